"""The values of rejected rows, which are visitors' data, never appear in the log."""

import json
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db.engine.redaction import described, masked
from db.engine.store import Store
from tests.support.click_apis import CLICK, GRAPHQL
from tests.support.gateways import make_link
from tests.support.processes import serving

SECRET = "a-visitors-secret"
VISIT = {
    "affiliate_url": f"https://yoursite.com/?aff=PARTNER123&{SECRET}",
    "page_url": f"https://yoursite.com/{SECRET}",
    "page_title": f"{SECRET} é",
    "referrer_url": f"https://blog.example.com/{SECRET}",
    "session_id": SECRET,
    "user_agent": f"Mozilla/5.0 {SECRET}",
    "screen_resolution": SECRET,
    "viewport_size": SECRET,
    "language": SECRET,
    "timezone": SECRET,
    "existing_click_id": f"cust_1_{SECRET}",
    "event_id": SECRET,
    "additional_data": {"secret": SECRET},
}
# Statements that make the database reject the rows of the visit and of the partner: with a constraint, with an invalid
# value, and with a trigger that quotes the row.
CHECK = (f"ALTER TABLE affiliate_click_events ADD CHECK (session_id <> '{SECRET}')",)
TRIGGER = "CREATE TRIGGER refuse BEFORE INSERT ON affiliate_click_events"
FUNCTION = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {} END$$"
RAISES = "RAISE EXCEPTION 'no room for %', NEW.page_title USING DETAIL = NEW.user_agent;"
CASTS = "NEW.program_id = CAST(NEW.page_title AS bigint); RETURN NEW;"
RUNS = f"{TRIGGER} FOR EACH ROW WHEN (NEW.session_id = '{SECRET}') EXECUTE FUNCTION refuse()"
POSTGRESQL = (CHECK, (FUNCTION.format(RAISES), RUNS), (FUNCTION.format(CASTS), RUNS))
# A cluster takes no triggers.
CITUS = (CHECK, (f"{CHECK[0][:-1]} OR CAST(page_title AS bigint) > 0)",))
SQLITE = (
    (f"{TRIGGER} WHEN NEW.session_id = '{SECRET}' BEGIN SELECT RAISE(ABORT, 'it is {SECRET}'); END",),
    ("CREATE UNIQUE INDEX refuse ON affiliate_click_events (session_id)",),
)


async def prepare(url: str, number: int) -> None:
    await make_link(url)
    store = Store(url)
    async with store.write() as connection:
        statements = SQLITE if store.is_sqlite else CITUS if store.database.is_cluster else POSTGRESQL
        if number >= len(statements):
            pytest.skip("another database has one case more")
        for statement in statements[number]:
            await connection.execute(text(statement))
    await store.close()


@pytest.mark.slow
@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("number", [0, 1, 2])
async def test_a_rejected_clicks_fields_do_not_appear_in_the_log(
    database_url: str, tmp_path: Path, number: int, log_format: str
) -> None:
    await prepare(database_url, number)
    log = tmp_path / "log"
    async with (
        serving(database_url, log=log, log_format=log_format, log_level="debug") as (_, base),
        httpx.AsyncClient(base_url=base) as http,
    ):
        statuses = [(await http.post(CLICK, json={**VISIT, "event_id": f"{SECRET}{n}"})).status_code for n in range(2)]
        query = "mutation ($input: TrackClickInput!) { trackClick(input: $input) { __typename } }"
        twin = {"affiliateUrl": VISIT["affiliate_url"], "pageTitle": VISIT["page_title"], "sessionId": SECRET}
        body = (await http.post(GRAPHQL, json={"query": query, "variables": {"input": twin}})).json()
        assert (await http.get("/readyz")).status_code == 200
    assert statuses[-1] == 500
    assert body["errors"][0]["extensions"]["code"] == "INTERNAL"
    told = log.read_text()
    assert SECRET not in told
    assert "RowRefused" in told
    assert "Traceback" in told


@pytest.mark.slow
async def test_a_rejected_mutations_values_do_not_appear_in_the_log(database_url: str, tmp_path: Path) -> None:
    await make_link(database_url)
    store = Store(database_url)
    async with store.write() as connection:
        await connection.execute(text("CREATE UNIQUE INDEX refuse ON affiliate_partners (email)"))
    await store.close()
    log = tmp_path / "log"
    async with (
        serving(database_url, log=log, admin_token="administrator", log_level="debug") as (_, base),
        httpx.AsyncClient(base_url=base, headers={"Authorization": "Bearer administrator"}) as http,
    ):
        partner = f'createPartner(input: {{name: "{SECRET}", email: "{SECRET}@example.com"}}) {{ partner {{ id }} }}'
        for code in (None, "INTERNAL"):
            answer = (await http.post(GRAPHQL, json={"query": f"mutation {{ {partner} }}"})).json()
            assert (answer["errors"][0]["extensions"]["code"] if code else answer.get("errors")) == code
    told = log.read_text()
    assert SECRET not in told
    assert json.loads(next(line for line in told.splitlines() if "Traceback" in line))["fault"]


def postgresql_error(**fields: str) -> Any:
    return asyncpg.PostgresError.new({"S": "ERROR", "V": "ERROR", **fields})


def test_an_error_is_described_in_one_line_with_its_place() -> None:
    error = postgresql_error(C="23514", M=f"it is {SECRET}", D=SECRET, t="customers", n="ck_customers_click_id")
    assert described(error) == "CheckViolationError (23514), table customers, constraint ck_customers_click_id"
    assert described(postgresql_error(C="42501", M="permission denied", D=SECRET)) == "permission denied"


def test_a_traceback_shows_no_values_however_deep_the_error_is() -> None:
    error = postgresql_error(C="22P02", M=f'invalid input: "{SECRET}"', D=SECRET)
    wrapped = IntegrityError("INSERT", {}, error)
    outer = ExceptionGroup("several", [RuntimeError("outer")])
    outer.exceptions[0].__context__ = wrapped
    wrapped.__cause__ = error
    shown = masked(f"{error} {error!r} {wrapped} {outer}", outer)
    assert SECRET not in shown
    assert "InvalidTextRepresentationError (22P02)" in shown
