"""Breakdowns as clients see them: rows, keys, pages, rest, series and errors, for each role."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from db.segments import encoding
from tests.support.click_sample import LINKS, Sample, key_values, make_sample
from tests.support.databases import KINDS, MAKERS, MakeDatabase
from tests.support.gateways import running_gateway

COUNTS = "clicks people bots visitors customers leads sales revenue { amount currency } earnings { amount }"
KEYS = "keys { dimension value }"
ADDED_UP = ("clicks", "people", "bots", "customers", "leads", "sales")


@pytest.fixture(scope="module", params=KINDS)
def shared_url(request: pytest.FixtureRequest) -> str:
    make: MakeDatabase = request.getfixturevalue(MAKERS[request.param])
    return make()


@pytest.fixture(scope="module")
async def sample(shared_url: str) -> AsyncIterator[Sample]:
    async with running_gateway(shared_url) as gateway:
        with pytest.MonkeyPatch.context() as patched:
            # Some of the sample's segments have more rows.
            patched.setattr(encoding, "LARGE_ROWS", 50)
            made = await make_sample(gateway)
        yield made


def shown(rows: Any) -> dict[tuple[Any, ...], int]:
    """Return the clicks of rows that have any, by the values of their keys."""
    return {key_values(row): row["clicks"] for row in rows if row["clicks"]}


def summed(*parts: dict[str, Any]) -> dict[str, Any]:
    """Add up counts."""
    sums: dict[str, Any] = {name: sum(part[name] for part in parts) for name in ADDED_UP}
    revenue: dict[str, int] = {}
    for amount in (amount for part in parts for amount in part["revenue"]):
        revenue[amount["currency"]] = revenue.get(amount["currency"], 0) + amount["amount"]
    return sums | {"revenue": revenue}


@pytest.mark.slow
async def test_each_combination_of_values_has_a_row(sample: Sample) -> None:
    by = ("COUNTRY", "DEVICE_TYPE", "LANDING_PAGE")
    report = await sample.report(
        f"breakdown(by: [{', '.join(by)}], first: 100) {{ totalCount nodes {{ {KEYS} clicks }} }}"
    )
    expected, found = sample.count(*by), report["breakdown"]
    assert shown(found["nodes"]) == expected
    assert found["totalCount"] == len(expected) > 9
    assert {tuple(key["dimension"] for key in row["keys"]) for row in found["nodes"]} == {by}
    assert [row["clicks"] for row in found["nodes"]] == sorted(expected.values(), reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["{}", "{field: VALUE, direction: ASC}", "{field: SALES}", "{field: VISITORS}"])
async def test_pages_and_the_rest_add_up_to_the_totals(sample: Sample, order: str) -> None:
    given, after = f"by: [COUNTRY, LINK], orderBy: {order}, first: 3", ""
    seen: list[dict[str, Any]] = []
    for _ in range(20):
        page = f"breakdown({given}{after}) {{ totalCount pageInfo {{ {PAGE_INFO} }} {EDGES} rest {{ {COUNTS} }} }}"
        report = await sample.report(f"{COUNTS} {page}")
        found, info = report["breakdown"], report["breakdown"]["pageInfo"]
        seen += [edge["node"] for edge in found["edges"]]
        assert summed(*seen, found["rest"]) == summed(report)
        cursors = [edge["cursor"] for edge in found["edges"]]
        assert (info["startCursor"], info["endCursor"]) == (cursors[0], cursors[-1])
        assert info["hasPreviousPage"] is bool(after)
        if not info["hasNextPage"]:
            break
        after = f', after: "{info["endCursor"]}"'
    assert len(seen) == found["totalCount"] == len(sample.count("COUNTRY", "LINK"))
    assert len({key_values(row) for row in seen}) == len(seen)
    assert found["rest"] == {**dict.fromkeys((*ADDED_UP, "visitors"), 0), "revenue": [], "earnings": []}


@pytest.mark.slow
async def test_a_page_can_be_asked_for_by_its_number(sample: Sample) -> None:
    given = "by: [COUNTRY, LINK], orderBy: {field: PEOPLE}"
    everything = await sample.report(f"breakdown({given}, first: 100) {{ nodes {{ {KEYS} {COUNTS} }} }}")
    rows = everything["breakdown"]["nodes"]
    for offset in (0, 3, len(rows) - 1, len(rows), len(rows) + 5):
        page = f"breakdown({given}, first: 3, offset: {offset}) {{ totalCount pageInfo {{ {PAGE_INFO} }} {EDGES} "
        found = (await sample.report(f"{page} rest {{ {COUNTS} }} }}"))["breakdown"]
        assert [edge["node"] for edge in found["edges"]] == rows[offset : offset + 3]
        assert summed(found["rest"]) == summed(*rows[offset + 3 :])
        assert found["pageInfo"]["hasNextPage"] is (offset + 3 < len(rows))
        assert found["pageInfo"]["hasPreviousPage"] is (offset > 0)
        assert found["totalCount"] == len(rows)
    start = (await sample.report(f"breakdown({given}, first: 2) {{ pageInfo {{ endCursor }} }}"))["breakdown"]
    after = f'after: "{start["pageInfo"]["endCursor"]}"'
    following = await sample.report(
        f"breakdown({given}, {after}, offset: 2, first: 2) {{ nodes {{ {KEYS} {COUNTS} }} }}"
    )
    assert following["breakdown"]["nodes"] == rows[4:6]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "search", "wanted"),
    [
        ("COUNTRY", '"d"', {("DE",)}),
        ("COUNTRY", '["d", "S"]', {("DE",), ("US",)}),
        ("COUNTRY", '""', {("DE",), ("US",), ("FR",)}),
        ("COUNTRY", "[]", set()),
        ("LANDING_PAGE", '"SHOP.example/sa"', {("https://shop.example/sale",)}),
        ("LANDING_PAGE", '"Ä"', {("https://other.example/Ä",)}),
        # Only the letters A to Z are the same in either case.
        ("LANDING_PAGE", '"ä"', set()),
        ("UTM_CAMPAIGN", '"spring"', {("spring",), ("Spring",)}),
        ("UTM_CAMPAIGN", '"s.*g"', set()),
        ("PARTNER", '"bO"', {("Bob",)}),
        ("LINK", '"1"', {("A1",), ("B1",)}),
        ("[PARTNER, LINK, DAY_OF_WEEK]", '"B"', {("Bob", "B1", "TUESDAY")}),
    ],
)
async def test_rows_are_found_by_a_part_of_a_value(sample: Sample, by: str, search: str, wanted: Any) -> None:
    selection = f"totalCount nodes {{ {KEYS} {COUNTS} }} rest {{ {COUNTS} }}"
    everything = await sample.report(f"clicks breakdown(by: {by}, first: 100) {{ {selection} }}")
    expected = [row for row in everything["breakdown"]["nodes"] if row["clicks"] and key_values(row) in wanted]
    for first in (100, 1):
        report = await sample.report(f"clicks breakdown(by: {by}, search: {search}, first: {first}) {{ {selection} }}")
        rows = [row for row in report["breakdown"]["nodes"] if row["clicks"]]
        assert rows == expected[:first]
        assert {key_values(row) for row in expected} == wanted
        # A search leaves the totals of the report alone; the rest is that of the rows which are found.
        assert report["clicks"] == everything["clicks"]
        assert report["breakdown"]["rest"]["clicks"] == sum(row["clicks"] for row in expected[first:])


PAGE_INFO = "hasNextPage hasPreviousPage startCursor endCursor"
EDGES = f"edges {{ cursor node {{ {KEYS} {COUNTS} }} }}"


async def test_a_page_of_no_rows_has_the_total_count_and_the_rest(sample: Sample) -> None:
    selection = f"totalCount nodes {{ clicks }} rest {{ {COUNTS} }} pageInfo {{ {PAGE_INFO} }}"
    report = await sample.report(f"{COUNTS} breakdown(by: COUNTRY, first: 0) {{ {selection} }}")
    found = report.pop("breakdown")
    assert found["rest"] == report
    assert (found["totalCount"], found["nodes"]) == (len(sample.count("COUNTRY")), [])
    assert found["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


async def test_rows_of_programs_partners_and_links_show_what_they_are(sample: Sample) -> None:
    first = "referralLinks(first: 1, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { code } }"
    keys = f"""keys {{
        dimension value program {{ name {first} }}
        partner {{ id name }} link: referralLink {{ code }} again: referralLink {{ status }} __typename
    }}"""
    given = "by: [PROGRAM, PARTNER, LINK], orderBy: {field: VALUE, direction: ASC}"
    report = await sample.report(f"breakdown({given}) {{ nodes {{ {keys} clicks }} }}")
    rows = report["breakdown"]["nodes"]
    expected = sample.count("PROGRAM", "PARTNER", "LINK")
    named = {
        (("Alpha", "Beta")[program - 1], ("Ann", "Bob")[partner - 1], LINKS[link - 1][0]): clicks
        for (program, partner, link), clicks in expected.items()
    }
    assert list(shown(rows).items()) == sorted(named.items())
    for row in rows:
        program, partner, link = row["keys"]
        assert program["program"]["name"] == program["value"]
        assert program["program"]["referralLinks"]["nodes"] == [{"code": "A1" if program["value"] == "Alpha" else "A2"}]
        assert partner["partner"]["name"] == partner["value"]
        assert link["link"]["code"] == link["value"]
        assert link["again"] == {"status": "ACTIVE"}
        assert (program["partner"], program["link"], partner["program"], link["partner"]) == (None,) * 4
        assert {key["__typename"] for key in row["keys"]} == {"BreakdownKey"}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu"])
async def test_hours_and_days_follow_the_clocks_of_the_time_zone(sample: Sample, zone: str) -> None:
    part = f"breakdown(by: [DAY_OF_WEEK, HOUR_OF_DAY], first: 100) {{ nodes {{ {KEYS} clicks }} }}"
    report = await sample.report(part, more=f'timezone: "{zone}"')
    expected: dict[tuple[str, str], int] = {}
    for click in sample.clicks:
        local = click.at.astimezone(ZoneInfo(zone))
        key = local.strftime("%A").upper(), f"{local.hour:02}"
        expected[key] = expected.get(key, 0) + 1
    assert shown(report["breakdown"]["nodes"]) == expected
    ranked = await sample.report("top(by: HOUR_OF_DAY, limit: 100) { value clicks }", more=f'timezone: "{zone}"')
    hours: dict[str, int] = {}
    for (_, hour), clicks in expected.items():
        hours[hour] = hours.get(hour, 0) + clicks
    assert {share["value"]: share["clicks"] for share in ranked["top"]} == hours


async def test_values_with_conversions_alone_have_rows(sample: Sample) -> None:
    report = await sample.report(
        f"breakdown(by: DAY_OF_WEEK, orderBy: {{field: LEADS}}, first: 1) {{ nodes {{ {KEYS} clicks leads }} }}"
    )
    (row,) = report["breakdown"]["nodes"]
    assert key_values(row) == ("WEDNESDAY",)
    assert row["clicks"] == 0 < row["leads"]


async def test_rows_sorted_by_value_list_hours_and_days_in_their_order(sample: Sample) -> None:
    ordered = "orderBy: {field: VALUE, direction: ASC}"
    report = await sample.report(f"breakdown(by: DAY_OF_WEEK, {ordered}) {{ nodes {{ {KEYS} }} }}")
    assert [key_values(row)[0] for row in report["breakdown"]["nodes"]] == ["MONDAY", "TUESDAY", "WEDNESDAY"]
    report = await sample.report(f"breakdown(by: COUNTRY, {ordered}) {{ nodes {{ {KEYS} }} }}")
    assert [key_values(row)[0] for row in report["breakdown"]["nodes"]] == ["DE", "FR", "US", None]


@pytest.mark.slow
async def test_visitors_are_counted_once_wherever_they_are_shown(sample: Sample) -> None:
    report = await sample.report(
        f"""visitors series(interval: MONTH) {{ visitors }} top(by: PROGRAM) {{ value visitors }}
        breakdown(by: COUNTRY, first: 1, interval: MONTH) {{
            nodes {{ {KEYS} visitors series {{ visitors }} }} rest {{ visitors }}
        }}"""
    )

    def visitors(*countries: str | None) -> int:
        return len({click.customer for click in sample.clicks if click.key["COUNTRY"] in countries})

    everybody = visitors("DE", "US", "FR", None)
    assert everybody < len(sample.clicks)
    assert report["visitors"] == everybody
    assert report["series"] == [{"visitors": everybody}]
    of_programs = {program: {c.customer for c in sample.clicks if c.key["PROGRAM"] == program} for program in (1, 2)}
    assert {share["value"]: share["visitors"] for share in report["top"]} == {
        "Alpha": len(of_programs[1]),
        "Beta": len(of_programs[2]),
    }
    (row,) = report["breakdown"]["nodes"]
    assert row == {
        "keys": [{"dimension": "COUNTRY", "value": "DE"}],
        "visitors": visitors("DE"),
        "series": [{"visitors": visitors("DE")}],
    }
    assert report["breakdown"]["rest"] == {"visitors": visitors("US", "FR", None)}
    only = await sample.report("breakdown(by: COUNTRY, first: 0) { rest { ... on ClickCounts { visitors } } }")
    assert only["breakdown"]["rest"] == {"visitors": everybody}


async def test_each_row_has_a_series_if_there_is_an_interval(sample: Sample) -> None:
    given = "by: COUNTRY, first: 2, interval: DAY"
    report = await sample.report(
        f"""days: breakdown({given}) {{ nodes {{ {KEYS} clicks sales series {{ start end clicks sales }} }} }}
        none: breakdown(by: COUNTRY, first: 2) {{ nodes {{ series {{ clicks }} }} }}""",
        more='timezone: "Europe/Berlin"',
    )
    for row in report["days"]["nodes"]:
        assert len(row["series"]) == 32  # the period begins and ends within days
        assert sum(bucket["clicks"] for bucket in row["series"]) == row["clicks"]
        assert sum(bucket["sales"] for bucket in row["series"]) == row["sales"]
        (country,) = key_values(row)
        for bucket in row["series"]:
            start, end = (datetime.fromisoformat(bucket[name]) for name in ("start", "end"))
            assert start.utcoffset() == timedelta(hours=2)
            inside = [click for click in sample.clicks if start <= click.at < end and click.key["COUNTRY"] == country]
            assert bucket["clicks"] == len(inside)
    assert report["none"]["nodes"] == [{"series": None}] * 2


async def test_one_report_may_have_many_breakdowns(sample: Sample) -> None:
    report = await sample.report(
        f"""a: breakdown(by: COUNTRY) {{ nodes {{ {KEYS} clicks }} }}
        b: breakdown(by: [COUNTRY], first: 1) {{ rows: nodes {{ {KEYS} clicks }} count: totalCount }}
        c: breakdown(by: [DEVICE_TYPE, COUNTRY]) {{ nodes {{ {KEYS} clicks }} }}
        a2: breakdown(by: COUNTRY) {{ nodes {{ n: clicks }} type: __typename rest {{ __typename }} }}
        PAGES: breakdown(by: PAGE) {{ nodes {{ {KEYS} clicks }} }}
        devices: top(by: DEVICE) {{ value clicks }}"""
    )
    assert shown(report["a"]["nodes"]) == sample.count("COUNTRY")
    assert report["b"] == {"rows": report["a"]["nodes"][:1], "count": 4}
    assert shown(report["c"]["nodes"]) == sample.count("DEVICE_TYPE", "COUNTRY")
    assert report["a2"]["nodes"] == [{"n": row["clicks"]} for row in report["a"]["nodes"]]
    assert (report["a2"]["type"], report["a2"]["rest"]["__typename"]) == ("BreakdownConnection", "BreakdownRest")
    assert shown(report["PAGES"]["nodes"]) == sample.count("LANDING_PAGE")
    assert {key["dimension"] for row in report["PAGES"]["nodes"] for key in row["keys"]} == {"LANDING_PAGE"}
    assert {(share["value"],): share["clicks"] for share in report["devices"]} == sample.count("DEVICE_TYPE")
