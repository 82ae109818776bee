"""The dashboards' peer: PostGraphile, which translates GraphQL to SQL, on tables as one would design them for it.

It is installed into a cache folder, together with the Node version that it requires. Its tables hold the same clicks as
ours.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import asyncpg

from tests.benchmarks import seeds
from tests.benchmarks.generator import add_size, size_of
from tests.benchmarks.history_dialects import Postgres
from tests.benchmarks.seeds import Size
from tests.benchmarks.servers import FOLDER, Server, free_port

SOURCE = FOLDER / "postgraphile"
INSTALL_SECONDS = 300

TABLES = """
CREATE TABLE programs (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE partners (id int PRIMARY KEY, program_id int NOT NULL REFERENCES programs, name text NOT NULL);
CREATE TABLE links (
    id int PRIMARY KEY, partner_id int NOT NULL REFERENCES partners, code text NOT NULL UNIQUE,
    destination_url text NOT NULL, url text NOT NULL, clicks bigint NOT NULL DEFAULT 0, last_clicked timestamptz
);
CREATE TABLE customers (
    id int PRIMARY KEY, click_id text NOT NULL UNIQUE, customer_status text NOT NULL,
    partner_id int NOT NULL REFERENCES partners, link_id int NOT NULL REFERENCES links, created_at timestamptz NOT NULL
);
CREATE TABLE click_events (
    id int PRIMARY KEY, link_id int NOT NULL REFERENCES links, partner_id int NOT NULL REFERENCES partners,
    customer_id int NOT NULL REFERENCES customers, occurred_at timestamptz NOT NULL, is_bot boolean NOT NULL,
    device_type text, os text, browser text, country text, city text, page_url text, referrer_url text,
    session_id text, language text, timezone text, ip_address text
);
CREATE TABLE daily_clicks (
    partner_id int NOT NULL REFERENCES partners, day date NOT NULL, clicks int NOT NULL, people int NOT NULL,
    customers int NOT NULL, PRIMARY KEY (partner_id, day)
);
"""
INDEXES = """
CREATE INDEX ON click_events (partner_id, occurred_at DESC, id DESC);
CREATE INDEX ON click_events (link_id, occurred_at DESC, id DESC);
CREATE INDEX ON click_events (customer_id, occurred_at DESC, id DESC);
CREATE INDEX ON customers (created_at DESC, id DESC);
CREATE INDEX ON customers (partner_id);
CREATE INDEX ON customers (link_id);
CREATE INDEX ON partners (program_id);
CREATE INDEX ON links (partner_id);
"""
SUMS = """
UPDATE links SET clicks = counted.clicks, last_clicked = counted.last
    FROM (SELECT link_id, count(*) AS clicks, max(occurred_at) AS last FROM click_events GROUP BY link_id) AS counted
    WHERE counted.link_id = links.id;
CREATE INDEX ON links (clicks DESC, id DESC);
INSERT INTO daily_clicks
    SELECT event.partner_id, (occurred_at AT TIME ZONE 'UTC')::date, count(*), count(*) FILTER (WHERE NOT is_bot),
        count(*) FILTER (WHERE occurred_at = created_at)
    FROM click_events event JOIN customers customer ON customer.id = customer_id GROUP BY 1, 2;
"""


def installed() -> Path:
    """Install the peer unless this version is installed; return its folder."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clickgate-benchmarks" / "postgraphile"
    folder.mkdir(parents=True, exist_ok=True)
    wanted, done = (SOURCE / "package.json").read_text(), folder / "installed.json"
    if not done.exists() or done.read_text() != wanted:
        shutil.copy(SOURCE / "package.json", folder)
        command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel", "error"]
        subprocess.run(command, cwd=folder, check=True, timeout=INSTALL_SECONDS, stdout=subprocess.DEVNULL)
        done.write_text(wanted)
    shutil.copy(SOURCE / "server.mjs", folder)
    return folder


def postgraphile(database_url: str, log: Path) -> Server:
    """Return the peer's server for a database filled by `fill`."""
    folder, port = installed(), free_port()
    node = folder / "node_modules" / "node" / "bin" / "node"
    environment = {
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
        "DATABASE_URL": database_url,
        "PORT": str(port),
    }
    return Server([str(node), str(folder / "server.mjs")], log, environment, port)


def fill(url: str, size: Size) -> None:
    """Create the peer's tables in an empty database, with the clicks of a gateway's database of the same size."""
    asyncio.run(_fill(url, size))


async def _fill(url: str, size: Size) -> None:
    connection = await asyncpg.connect(url)
    try:
        for sql in (TABLES, _rows(size), INDEXES, SUMS, "VACUUM ANALYZE", "CHECKPOINT"):
            await connection.execute(sql)
    finally:
        await connection.close()


def _rows(size: Size) -> str:
    engine, customer = Postgres(), seeds.customer_of("n", size)
    link, partner = seeds.link_of("c", size), seeds.partner_of("n", size)
    first, person = engine.moment(seeds.microseconds_of("first", size)), seeds.person_of("c")
    destination = "'https://shop.example.com/products/' || n"
    return f"""
INSERT INTO programs SELECT n, 'Program ' || n FROM {engine.numbers(size.programs)};
INSERT INTO partners
    SELECT n, {seeds.program_of("n", size)}, 'Partner ' || n FROM {engine.numbers(size.partners)};
INSERT INTO links
    SELECT n, {partner}, {seeds.code_of("n")}, {destination}, {destination} || '?aff=' || {seeds.code_of("n")}
    FROM {engine.numbers(size.links)};
INSERT INTO customers
    SELECT c, {seeds.click_id_of("c")}, 'click', {seeds.partner_of(link, size)}, {link}, {first}
    FROM (SELECT {customer} AS c, min(n) AS first FROM {engine.numbers(size.events)} GROUP BY 1) AS seen ORDER BY c;
INSERT INTO click_events
    SELECT n, {link}, {seeds.partner_of(link, size)}, c, {engine.moment(seeds.microseconds_of("n", size))}, n % 47 = 0,
        {person["device_type"]}, {person["os"]}, {person["browser"]}, {person["country"]}, {person["city"]},
        {seeds.page_of("n", link, size)}, {seeds.referrer_of("n")}, 's_' || (n * 7919), {person["language"]},
        'Europe/Berlin', '198.51.' || (n % 256) || '.0'
    FROM (SELECT n, {customer} AS c FROM {engine.numbers(size.events)}) AS clicks;
"""


def main() -> None:
    """Fill the database given on the command line."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("url", help="an empty database: postgresql://...")
    add_size(ask)
    options = ask.parse_args()
    fill(options.url, size_of(options))


if __name__ == "__main__":
    main()
