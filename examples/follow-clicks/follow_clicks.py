"""Copies clicks into a SQLite file as they are recorded.

    CLICKS_TOKEN=cg_… python3 follow_clicks.py https://clicks.shop.example clicks.db

The token may have any role; the copy contains the clicks that it gives access to. You can stop the script at any time,
even with `kill -9`, and start it again with the same file: it continues where it stopped. No click is lost or stored
twice, because each page of clicks is stored in one transaction with the cursor after it. If you store the copy
elsewhere, do the same.

It needs Python 3.11 or newer and no packages.
"""

import http.client
import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress
from typing import Any

# In ascending order, new clicks only appear at the end: the gateway holds back a click as long as an earlier one may
# still be committed.
QUERY = """
query Follow($after: String) {
  clickEvents(first: 100, after: $after, orderBy: {field: OCCURRED_AT, direction: ASC}) {
    nodes { id occurredAt clickId pageUrl country isBot referralLink { code } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
SCHEMA = """
CREATE TABLE IF NOT EXISTS clicks (
  id TEXT PRIMARY KEY, occurred_at TEXT, click_id TEXT, page_url TEXT, country TEXT, is_bot INTEGER, code TEXT
);
CREATE TABLE IF NOT EXISTS position (number INTEGER PRIMARY KEY CHECK (number = 1), cursor TEXT);
INSERT OR IGNORE INTO position VALUES (1, NULL);
"""
POLL_SECONDS = 1
TIMEOUT_SECONDS = 30
LONGEST_PAUSE_SECONDS = 60
# The gateway or its database is unavailable or busy. Any other error, such as a revoked token, is permanent.
PASSING_STATUSES = {408, 425, 429, 500, 502, 503, 504}
PASSING_CODES = {"UNAVAILABLE", "RATE_LIMITED", "INTERNAL"}


class TryLater(Exception):
    """The gateway cannot answer now; retry after `seconds`."""

    def __init__(self, problem: str, seconds: float = 0) -> None:
        super().__init__(problem)
        self.seconds = seconds


def main() -> None:
    if len(sys.argv) != 3 or not os.environ.get("CLICKS_TOKEN"):
        sys.exit("usage: CLICKS_TOKEN=… follow_clicks.py GATEWAY FILE")
    gateway, file = sys.argv[1:]
    with closing(sqlite3.connect(file)) as database:
        database.executescript(SCHEMA)
        with suppress(KeyboardInterrupt):
            follow(database, gateway, os.environ["CLICKS_TOKEN"])


def follow(database: sqlite3.Connection, gateway: str, token: str) -> None:
    """Store page after page until interrupted."""
    failures = 0
    while True:
        (cursor,) = database.execute("SELECT cursor FROM position").fetchone()
        try:
            page = next_page(gateway, token, cursor)
        except TryLater as problem:
            pause = min(max(2**failures, problem.seconds), LONGEST_PAUSE_SECONDS)
            print(f"{problem}; retrying in {pause:.0f} s", file=sys.stderr)
            time.sleep(pause)
            failures = min(failures + 1, 6)
            continue
        failures = 0
        store(database, page)
        if not page["pageInfo"]["hasNextPage"]:
            time.sleep(POLL_SECONDS)


def next_page(gateway: str, token: str, cursor: str | None) -> dict[str, Any]:
    """Return the page after a cursor, or the first page. Raises `TryLater`, and exits on a permanent error."""
    request = urllib.request.Request(
        gateway.rstrip("/") + "/graphql",
        json.dumps({"query": QUERY, "variables": {"after": cursor}}).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        problem = f"{gateway} returned {error.code}"
        if error.code not in PASSING_STATUSES:
            sys.exit(problem)
        asked = error.headers.get("Retry-After", "")
        raise TryLater(problem, int(asked) if asked.isdecimal() else 0) from error
    except (OSError, http.client.HTTPException, json.JSONDecodeError, UnicodeDecodeError) as error:
        # No connection, a broken one, or a response from a proxy instead of the gateway.
        raise TryLater(f"{gateway} does not answer: {error}") from error
    if "errors" in answer:
        message, extensions = answer["errors"][0]["message"], answer["errors"][0]["extensions"]
        if extensions["code"] not in PASSING_CODES:
            sys.exit(f"{gateway} refused the query: {message}")
        raise TryLater(f"{gateway} cannot answer: {message}", extensions.get("retryAfter", 0))
    page: dict[str, Any] = answer["data"]["clickEvents"]
    return page


def store(database: sqlite3.Connection, page: dict[str, Any]) -> None:
    """Store a page's clicks together with the position after them, in one transaction."""
    rows = [
        (
            click["id"],
            click["occurredAt"],
            click["clickId"],
            click["pageUrl"],
            click["country"],
            click["isBot"],
            click["referralLink"] and click["referralLink"]["code"],
        )
        for click in page["nodes"]
    ]
    with database:
        # Without `OR IGNORE`, a second process that writes to the same file fails here instead of skipping clicks.
        database.executemany("INSERT INTO clicks VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        # The end cursor of an empty page is the cursor in the request.
        database.execute("UPDATE position SET cursor = ?", (page["pageInfo"]["endCursor"],))


if __name__ == "__main__":
    main()
