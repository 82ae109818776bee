"""Breakdowns that are refused, with the reason: invalid arguments, cursors of other lists, and what would cost too
much."""

import pytest
from msgspec import json

from graph.query.cursors import encode_cursor
from tests.graph.test_breakdown_queries import sample, shared_url
from tests.support.answers import opened
from tests.support.click_sample import PERIOD, Sample
from tests.support.gateways import running_gateway

PARTS = ("visitors", "breakdown(by: OS) { totalCount }", "top(by: COUNTRY) { value }")
__all__ = ("sample", "shared_url")
LONG, MANY = "x" * 256, '"x" ' * 301


@pytest.mark.slow
async def test_a_breakdown_costs_more_than_a_ranking_and_its_rows_multiply(sample: Sample) -> None:
    async def cost(part: str) -> int:
        answer = await sample.answer(part)
        return int(answer["extensions"]["cost"]["requested"])

    ranking = await cost("top(by: COUNTRY) { clicks }")
    none, ten = [await cost(f"breakdown(by: COUNTRY, first: {size}) {{ nodes {{ clicks }} }}") for size in (0, 10)]
    assert none > ranking
    assert ten == none + 10
    nested = "nodes { keys { program { referralLinks(first: 100) { nodes { code } } } } }"
    answer = await sample.answer(f"breakdown(by: PROGRAM, first: 100) {{ {nested} }}")
    assert answer["errors"][0]["extensions"]["code"] == "TOO_COMPLEX"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("by: []", "by must have 1 to 3 dimensions"),
        ("by: [COUNTRY, OS, LINK, BROWSER]", "by must have 1 to 3 dimensions"),
        ("by: [COUNTRY, OS, COUNTRY]", "by must not have a dimension twice"),
        ("by: [PAGE, LANDING_PAGE]", "by must not have a dimension twice"),
        ("by: OS, first: 101", "first must be between 0 and 100"),
        ("by: OS, first: -1", "first must be between 0 and 100"),
        ("by: OS, offset: -1", "offset must be between 0 and 500000"),
        ("by: OS, offset: 500001", "offset must be between 0 and 500000"),
        ('by: [HOUR_OF_DAY, DAY_OF_WEEK], search: "MON"', "search must not be given for hours and days alone"),
        (f'by: OS, search: "{LONG}"', "search must have at most 300 texts of at most 255 characters"),
        (f"by: OS, search: [{MANY}]", "search must have at most 300 texts of at most 255 characters"),
        ('by: OS, after: "stale"', "after is not a valid cursor"),
        (
            "by: OS, first: 100, interval: HOUR",
            "interval must produce at most 20000 buckets in all rows; use a longer one, a shorter period or fewer rows",
        ),
    ],
)
async def test_an_invalid_breakdown_is_refused_with_the_reason(sample: Sample, given: str, message: str) -> None:
    answer = await sample.answer(f"clicks mine: breakdown({given}) {{ nodes {{ series {{ clicks }} }} }}")
    (error,) = answer["errors"]
    assert error["message"] == message
    assert error["path"] == ["clickReport", "mine"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize(
    "other",
    ["by: OS", "by: [COUNTRY, OS]", "by: COUNTRY, orderBy: {field: SALES}", "by: COUNTRY, orderBy: {direction: ASC}"],
)
async def test_a_cursor_of_another_breakdown_is_refused(sample: Sample, other: str) -> None:
    report = await sample.report("breakdown(by: COUNTRY) { pageInfo { startCursor } }")
    cursor = report["breakdown"]["pageInfo"]["startCursor"]
    answer = await sample.answer(f'breakdown({other}, after: "{cursor}") {{ totalCount }}')
    assert answer["errors"][0]["message"] == "after is a cursor from a breakdown with other dimensions or another order"
    await sample.report(f'breakdown(by: COUNTRY, after: "{cursor}") {{ totalCount }}', filter="isBot: false")
    lists = await sample.gateway.graphql("{ programs { pageInfo { endCursor } } }", token=sample.admin)
    foreign = lists["data"]["programs"]["pageInfo"]["endCursor"]
    answer = await sample.answer(f'breakdown(by: COUNTRY, after: "{foreign}") {{ totalCount }}')
    assert answer["errors"][0]["message"] == "after is a cursor from a breakdown with other dimensions or another order"


@pytest.mark.parametrize(
    "position",
    [
        ("1", "DE", 1),
        (1, 7, 1),
        (1, "DE", "1"),
        (1, "DE"),
        (1, "DE", 1, 1),
        (1, "D\0", 1),
        (2**63, "DE", 1),
        (None, "DE", 1),
        (1, None, None),
        (-(2**63) + 1, "", 2**63 - 1),
        (0, "x" * 4000, 0),
    ],
)
async def test_a_forged_cursor_is_refused_or_only_moves_the_start_of_the_page(
    sample: Sample, position: tuple[str | int | None, ...]
) -> None:
    report = await sample.report("breakdown(by: [COUNTRY, PARTNER]) { pageInfo { startCursor } }")
    mark, *_ = json.decode(opened(report["breakdown"]["pageInfo"]["startCursor"]))
    cursor = encode_cursor(mark, position)
    part = f'breakdown(by: [COUNTRY, PARTNER], after: "{cursor}") {{ totalCount nodes {{ clicks keys {{ value }} }} }}'
    answer = await sample.answer(part, token=sample.ann)
    for error in answer.get("errors", ()):
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
    if "errors" not in answer:
        for row in answer["data"]["clickReport"]["breakdown"]["nodes"]:
            assert row["keys"][1]["value"] == "Ann"


async def test_a_report_that_takes_too_long_is_refused_and_clicks_go_on(shared_url: str) -> None:
    async with running_gateway(shared_url, report_seconds="0.0001") as gateway:
        token = await gateway.token()
        answers = [await gateway.graphql(f"{{ clickReport({PERIOD}) {{ {part} }} }}", token=token) for part in PARTS]
        for answer in answers:
            (error,) = answer["errors"]
            assert error["message"] == "The report is too complex: it takes longer than 0.0001 seconds"
            assert (error["path"], error["extensions"]) == (["clickReport"], {"code": "TOO_COMPLEX"})
        await gateway.link("LATE")
        assert (await gateway.track("LATE")).status_code == 200
        answer = await gateway.graphql(f"{{ clickReport({PERIOD}) {{ clicks }} }}", token=token)
        assert "errors" not in answer
