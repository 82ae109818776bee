"""Conditions on dimensions in the filter of a report, as clients write them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.graph.test_breakdown_queries import sample, shared_url
from tests.support.click_sample import PERIOD, Sample, SampleClick, global_ids, key_values

__all__ = ("sample", "shared_url")

PROGRAM_1, PARTNERS, LINKS = global_ids("Program", 1), global_ids("Partner", 1, 2), global_ids("ReferralLink", 2, 3)
CONDITIONS: dict[str, Callable[[dict[str, Any]], bool]] = {
    'COUNTRY, in: ["de", "US"]': lambda key: key["COUNTRY"] in ("DE", "US"),
    'COUNTRY, in: "dE"': lambda key: key["COUNTRY"] == "DE",
    'COUNTRY, notIn: ["DE"]': lambda key: key["COUNTRY"] != "DE",
    "COUNTRY, notIn: []": lambda key: True,
    "COUNTRY, in: []": lambda key: False,
    "COUNTRY, isKnown: true": lambda key: key["COUNTRY"] is not None,
    "COUNTRY, isKnown: false": lambda key: key["COUNTRY"] is None,
    'COUNTRY, prefix: "d"': lambda key: key["COUNTRY"] == "DE",
    'DEVICE_TYPE, in: ["Mobile", "TV"]': lambda key: key["DEVICE_TYPE"] in ("mobile", "tv"),
    'DEVICE, in: "mobile"': lambda key: key["DEVICE_TYPE"] == "mobile",
    'LANDING_PAGE, prefix: "https://shop.example/"': lambda key: "shop.example" in key["LANDING_PAGE"],
    'LANDING_PAGE, in: "https://other.example/Ä"': lambda key: key["LANDING_PAGE"] == "https://other.example/Ä",
    'LANDING_PAGE, in: ["HTTPS://shop.example/"]': lambda key: False,
    'UTM_CAMPAIGN, in: ["spring"]': lambda key: key["UTM_CAMPAIGN"] == "spring",
    'UTM_CAMPAIGN, notIn: ["spring"]': lambda key: key["UTM_CAMPAIGN"] != "spring",
    'UTM_CAMPAIGN, prefix: "S"': lambda key: key["UTM_CAMPAIGN"] == "Spring",
    'OS, in: ["nobody has this"]': lambda key: False,
    'OS, notIn: ["nobody has this"]': lambda key: True,
    f"PROGRAM, in: {PROGRAM_1}": lambda key: key["PROGRAM"] == 1,
    f"PARTNER, notIn: {PARTNERS}": lambda key: False,
    f"LINK, in: {LINKS}": lambda key: key["LINK"] in (2, 3),
    f"LINK, notIn: {LINKS}": lambda key: key["LINK"] not in (2, 3),
    "PROGRAM, isKnown: true": lambda key: True,
    'HOUR_OF_DAY, in: ["22", "00"]': lambda key: key["HOUR_OF_DAY"] in ("22", "00"),
    'DAY_OF_WEEK, notIn: "monday"': lambda key: key["DAY_OF_WEEK"] != "MONDAY",
    'DAY_OF_WEEK, in: ["TUESDAY"], prefix: null': lambda key: key["DAY_OF_WEEK"] == "TUESDAY",
}


@pytest.mark.parametrize("condition", CONDITIONS)
async def test_a_condition_keeps_the_clicks_that_meet_it(sample: Sample, condition: str) -> None:
    meets = CONDITIONS[condition]
    expected = sample.count("COUNTRY", of=lambda click: meets(click.key))
    report = await sample.report(
        "clicks series(interval: MONTH) { clicks } top(by: COUNTRY) { value clicks } "
        "breakdown(by: COUNTRY) { nodes { clicks keys { value } } }",
        filter=f"where: [{{dimension: {condition}}}]",
    )
    assert report["clicks"] == sum(expected.values())
    assert report["series"] == [{"clicks": sum(expected.values())}]
    assert {(share["value"],): share["clicks"] for share in report["top"]} == expected
    assert {key_values(row): row["clicks"] for row in report["breakdown"]["nodes"] if row["clicks"]} == expected


async def test_all_conditions_must_hold_together_with_the_rest_of_the_filter(sample: Sample) -> None:
    def meets(click: SampleClick) -> bool:
        return click.key["COUNTRY"] == "DE" and click.key["DEVICE_TYPE"] == "mobile" and not click.visit.is_bot

    conditions = '{dimension: COUNTRY, in: "DE"}, {dimension: DEVICE_TYPE, in: "mobile"}'
    report = await sample.report("clicks bots", filter=f"isBot: false, where: [{conditions}]")
    assert report == {"clicks": sum(sample.count(of=meets).values()), "bots": 0}
    assert report["clicks"] > 0


async def test_conditions_may_be_variables(sample: Sample) -> None:
    conditions = [{"dimension": "COUNTRY", "in": ["us"], "isKnown": None}]
    assert await clicks_where(sample, conditions) == sample.count("COUNTRY")[("US",)]
    largest = [{"dimension": "OS", "notIn": [str(number) for number in range(100)]}] * 20
    assert await clicks_where(sample, largest) == len(sample.clicks)


async def clicks_where(sample: Sample, conditions: Any) -> int:
    query = f"query ($where: [DimensionCondition!]) {{ clickReport({PERIOD}, filter: {{where: $where}}) {{ clicks }} }}"
    answer = await sample.gateway.graphql(query, {"where": conditions}, token=sample.admin)
    return int(answer["data"]["clickReport"]["clicks"])


EXACTLY_ONE = "filter.where[{}] must have exactly one of in, notIn, prefix and isKnown"
TOO_MANY = json.dumps(["x"] * 101)
REFUSED = {
    "{dimension: OS}": EXACTLY_ONE.format(0),
    "{dimension: OS, in: null}": EXACTLY_ONE.format(0),
    '{dimension: OS, in: ["x"]}, {dimension: OS, in: ["x"], isKnown: true}': EXACTLY_ONE.format(1),
    '{dimension: PROGRAM, in: ["x"]}': "filter.where[0].in[0] is not a valid id",
    f"{{dimension: LINK, notIn: {PROGRAM_1}}}": "filter.where[0].notIn[0] must be the id of a ReferralLink",
    '{dimension: PARTNER, prefix: "A"}': "filter.where[0].prefix cannot be used with PARTNER",
    '{dimension: HOUR_OF_DAY, prefix: "0"}': "filter.where[0].prefix cannot be used with HOUR_OF_DAY",
    '{dimension: HOUR_OF_DAY, in: ["7"]}': "filter.where[0].in[0] must be from 00 to 23",
    '{dimension: HOUR_OF_DAY, in: ["23", "24"]}': "filter.where[0].in[1] must be from 00 to 23",
    '{dimension: DAY_OF_WEEK, in: ["Someday"]}': (
        "filter.where[0].in[0] must be one of MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY"
    ),
    '{dimension: OS, in: ["a\\u0000"]}': "filter.where[0].in[0] must not contain NUL characters",
    f'{{dimension: OS, prefix: "{"x" * 2049}"}}': "filter.where[0].prefix must have at most 2048 characters",
    f"{{dimension: OS, in: {TOO_MANY}}}": "filter.where[0].in must have at most 100 values",
    ", ".join(["{dimension: OS, isKnown: true}"] * 21): "filter.where must have at most 20 conditions",
}


@pytest.mark.parametrize("conditions", REFUSED, ids=range(len(REFUSED)))
async def test_an_invalid_condition_is_refused_with_its_place(sample: Sample, conditions: str) -> None:
    answer = await sample.answer("clicks", filter=f"where: [{conditions}]")
    (error,) = answer["errors"]
    assert error["message"] == REFUSED[conditions]
    assert error["path"] == ["clickReport"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
