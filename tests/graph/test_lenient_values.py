"""Enumerated values are accepted in any case, and an empty period is valid."""

import pytest
from sqlalchemy import update

from db.schema.clicks import ClickEvent
from tests.support.gateways import Gateway

OURS = [
    ("clickEvents", "deviceType", ["mobile", "Mobile", "MOBILE"], ["desktop", "phone", ""]),
    ("clickEvents", "country", ["DE", "de", "De"], ["US", "us", "germany", ""]),
    ("clickEvents", "referrerHost", ["blog.example", "Blog.Example"], ["example"]),
    ("customers", "customerStatus", ["click", "Click", "CLICK"], ["lead"]),
]


@pytest.mark.parametrize(("listed", "part", "same", "others"), OURS, ids=[part for _, part, *_ in OURS])
async def test_a_filter_accepts_enumerated_values_in_any_case(
    gateway: Gateway, listed: str, part: str, same: list[str], others: list[str]
) -> None:
    await gateway.link()
    for _ in range(3):
        await gateway.track(referrer_url="https://blog.example/")
    await gateway.execute(update(ClickEvent).values(device_type="mobile", country="DE"))
    token = await gateway.token()
    kind = listed[0].upper() + listed[1:-1]
    document = f"""query ($filter: {kind}Filter, $after: String) {{
      {listed}(first: 2, after: $after, filter: $filter) {{ totalCount nodes {{ id }} pageInfo {{ endCursor }} }}
    }}"""

    async def page(value: str, after: str | None = None) -> dict[str, object]:
        answer = await gateway.graphql(document, {"filter": {part: value}, "after": after}, token=token)
        found: dict[str, object] = answer["data"][listed]
        return found

    first = await page(same[0])
    assert first["totalCount"] == 3
    cursor = first["pageInfo"]["endCursor"]  # type: ignore[index]
    for value in same:
        assert await page(value) == first
        assert (await page(value, cursor))["nodes"] != []
    for value in others:
        assert (await page(value))["totalCount"] == 0


@pytest.mark.parametrize("zone", ["UTC", "utc", "Etc/Utc", "europe/berlin", "EUROPE/BERLIN", "asia/CALCUTTA"])
async def test_a_report_accepts_a_time_zone_in_any_case(gateway: Gateway, zone: str) -> None:
    document = """query ($zone: String!) {
      clickReport(from: "2026-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z", timezone: $zone) {
        clicks people customers series { clicks } top(by: LINK) { value }
      }
    }"""
    answer = await gateway.graphql(document, {"zone": zone}, token=await gateway.token())
    assert answer["data"]["clickReport"] == {"clicks": 0, "people": 0, "customers": 0, "series": [], "top": []}
