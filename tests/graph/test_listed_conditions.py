"""Conditions on dimensions in the filter of lists of clicks, as clients write them: over HTTP, in lists and exports."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from graph.query.global_ids import encode_id
from tests.graph.test_breakdown_queries import sample, shared_url
from tests.graph.test_dimension_conditions import CONDITIONS, REFUSED
from tests.support.click_sample import PERIOD, Sample, SampleClick
from tests.support.exports import csv_rows, exported, json_rows

__all__ = ("sample", "shared_url")

MAY = 'occurredFrom: "2026-05-01T00:00:00Z", occurredTo: "2026-06-01T00:00:00Z"'
DECLARED = {"where": "$where: [DimensionCondition!]", "zone": "$zone: String"}


async def listed(sample: Sample, filter: str, *, token: str | None = None, **variables: Any) -> Any:
    """Return the list of clicks with a filter."""
    declared = "".join(["query (", *(DECLARED[name] for name in variables), ")"]) if variables else ""
    asked = f"clickEvents(first: 100, filter: {{{filter}}})"
    query = f"{declared} {{ {asked} {{ totalCount nodes {{ id occurredAt }} pageInfo {{ endCursor }} }} }}"
    answer = await sample.gateway.graphql(query, variables, token=token or sample.admin)
    assert "errors" not in answer, answer["errors"]
    assert answer["data"]["clickEvents"]["totalCount"] == len(answer["data"]["clickEvents"]["nodes"])
    return answer["data"]["clickEvents"]


@pytest.mark.parametrize("condition", CONDITIONS)
async def test_a_list_has_the_clicks_that_meet_a_condition(sample: Sample, condition: str) -> None:
    meets = CONDITIONS[condition]
    expected = sample.count(of=lambda click: meets(click.key)).get((), 0)
    where = f"where: [{{dimension: {condition}}}]"
    found = await listed(sample, f"{MAY}, {where}")
    assert found["totalCount"] == expected
    assert (await sample.report("clicks", filter=where))["clicks"] == expected


@pytest.mark.parametrize("conditions", REFUSED, ids=range(len(REFUSED)))
async def test_an_invalid_condition_is_refused_as_in_a_report(sample: Sample, conditions: str) -> None:
    query = f"{{ clickEvents(filter: {{{MAY}, where: [{conditions}]}}) {{ totalCount }} }}"
    (error,) = (await sample.gateway.graphql(query, token=sample.admin))["errors"]
    assert error["message"] == REFUSED[conditions]
    assert error["path"] == ["clickEvents"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


NEEDS_PERIOD = (
    "filter.where can use HOUR_OF_DAY and DAY_OF_WEEK only together with occurredFrom and occurredTo, which must be at "
    "most 20 years apart and lie between the years 1971 and 2999"
)
AT_NINE = 'where: [{dimension: HOUR_OF_DAY, in: ["09"]}]'


@pytest.mark.parametrize(
    ("filter", "problem"),
    [
        (AT_NINE, NEEDS_PERIOD),
        (f'{AT_NINE}, occurredFrom: "2026-05-01T00:00:00Z"', NEEDS_PERIOD),
        (f'{AT_NINE}, occurredFrom: "2006-05-01T00:00:00Z", occurredTo: "2026-06-01T00:00:00Z"', NEEDS_PERIOD),
        (f'{AT_NINE}, occurredFrom: "0001-05-01T00:00:00Z", occurredTo: "0002-05-01T00:00:00Z"', NEEDS_PERIOD),
        ('timezone: "Mars/Phobos"', "filter.timezone must be an IANA time zone such as Europe/Berlin"),
    ],
)
async def test_hours_and_days_need_a_period_and_a_zone_that_exists(sample: Sample, filter: str, problem: str) -> None:
    part = f"clickEvents(filter: {{{filter}}}) {{ totalCount }}"
    for query in (f"{{ {part} }}", f"{{ customers(first: 1) {{ nodes {{ {part} }} }} }}"):
        (error,) = (await sample.gateway.graphql(query, token=sample.admin))["errors"]
        assert error["message"] == problem
        assert error["path"][-1] == "clickEvents"


async def test_hours_follow_the_clocks_of_the_zone(sample: Sample) -> None:
    # Berlin is two hours ahead in May, whatever the case of its name.
    expected = sample.count(of=lambda click: click.key["HOUR_OF_DAY"] in ("22", "23"))[()]
    midnight = 'where: [{dimension: HOUR_OF_DAY, in: ["00", "01"]}]'
    assert (await listed(sample, f'{MAY}, timezone: "europe/berlin", {midnight}'))["totalCount"] == expected > 0
    assert (await listed(sample, f"{MAY}, timezone: $zone, {midnight}", zone="Europe/Berlin"))["totalCount"] == expected
    assert (await listed(sample, f"{MAY}, {midnight}"))["totalCount"] != expected


async def test_variables_of_another_form_are_another_list(sample: Sample) -> None:
    """The plan of a document is kept, so that it must not depend on the first conditions that were asked."""
    for where, meets in (
        ([{"dimension": "COUNTRY", "in": ["de"]}], lambda key: key["COUNTRY"] == "DE"),
        ([{"dimension": "COUNTRY", "in": ["us", "fr"]}], lambda key: key["COUNTRY"] in ("US", "FR")),
        ([{"dimension": "COUNTRY", "notIn": ["de"]}], lambda key: key["COUNTRY"] != "DE"),
        ([{"dimension": "DEVICE_TYPE", "in": ["tv"]}], lambda key: key["DEVICE_TYPE"] == "tv"),
        ([{"dimension": "COUNTRY", "isKnown": True}], lambda key: key["COUNTRY"] is not None),
        ([{"dimension": "COUNTRY", "isKnown": False}], lambda key: key["COUNTRY"] is None),
        ([{"dimension": "COUNTRY", "in": ["de"], "notIn": None}], lambda key: key["COUNTRY"] == "DE"),
        ({"dimension": "COUNTRY", "in": "de"}, lambda key: key["COUNTRY"] == "DE"),
        (
            [{"dimension": "COUNTRY", "in": ["de"]}, {"dimension": "DEVICE_TYPE", "notIn": ["mobile"]}],
            lambda key: key["COUNTRY"] == "DE" and key["DEVICE_TYPE"] != "mobile",
        ),
        ([], lambda key: True),
        (None, lambda key: True),
    ):
        expected = sample.count(of=lambda click, meets=meets: meets(click.key))[()]  # type: ignore[misc]
        assert (await listed(sample, f"{MAY}, where: $where", where=where))["totalCount"] == expected, where


async def test_conditions_and_the_rest_of_the_filter_hold_together(sample: Sample) -> None:
    def meets(click: SampleClick) -> bool:
        return click.key["COUNTRY"] == "DE" and click.key["DEVICE_TYPE"] != "mobile" and not click.visit.is_bot

    filter = 'isBot: false, country: "DE", where: [{dimension: DEVICE_TYPE, notIn: ["mobile"]}]'
    assert (await listed(sample, filter))["totalCount"] == sample.count(of=meets)[()] > 0


async def test_a_cursor_belongs_to_its_conditions(sample: Sample) -> None:
    berlin = f'{MAY}, timezone: "Europe/Berlin"'
    filters = [
        'where: [{dimension: COUNTRY, in: ["DE", "US"]}]',
        'where: [{dimension: COUNTRY, in: ["DE"]}]',
        'where: [{dimension: COUNTRY, notIn: ["DE", "US"]}]',
        'where: [{dimension: OS, notIn: ["DE", "US"]}]',
        "where: [{dimension: COUNTRY, isKnown: true}]",
        f'{MAY}, where: [{{dimension: HOUR_OF_DAY, notIn: ["09"]}}]',
        f'{berlin}, where: [{{dimension: HOUR_OF_DAY, notIn: ["09"]}}]',
        "",
    ]
    cursors = [(await listed(sample, filter))["pageInfo"]["endCursor"] for filter in filters]
    for filter in filters:
        for other, cursor in zip(filters, cursors, strict=True):
            query = f"{{ clickEvents(filter: {{{filter}}}, after: {json.dumps(cursor)}) {{ nodes {{ id }} }} }}"
            answer = await sample.gateway.graphql(query, token=sample.admin)
            if filter == other:
                assert answer["data"]["clickEvents"]["nodes"] == []
            else:
                assert answer["errors"][0]["message"].startswith("after is a cursor from a list with a different")
    # The order of the values makes no difference, nor does their case.
    same = '{where: [{dimension: COUNTRY, in: ["us", "DE"]}]}'
    query = f'{{ clickEvents(filter: {same}, after: "{cursors[0]}") {{ nodes {{ id }} }} }}'
    assert (await sample.gateway.graphql(query, token=sample.admin))["data"]["clickEvents"]["nodes"] == []


async def test_lists_under_links_and_customers_take_conditions(sample: Sample) -> None:
    condition = 'filter: {where: [{dimension: COUNTRY, notIn: ["DE"]}, {dimension: LINK, in: $links}]}'
    counted = "totalCount nodes { country }"
    query = f"""query ($links: [String!]) {{
        referralLinks(first: 10) {{ nodes {{ code clickEvents(first: 100, {condition}) {{ {counted} }} }} }}
        customers(first: 80) {{ nodes {{ clickId clickEvents(first: 50, {condition}) {{ {counted} }} }} }}
    }}"""
    links = [encode_id("ReferralLink", id) for id in (1, 3)]
    answer = await sample.gateway.graphql(query, {"links": links}, token=sample.admin)
    assert "errors" not in answer, answer["errors"]
    counts = sample.count("LINK", of=lambda click: click.link in (1, 3) and click.key["COUNTRY"] != "DE")
    expected = {code: counts.get((at,), 0) for at, code in enumerate(("A1", "B1", "A2", "MOVED"), 1)}
    found = answer["data"]["referralLinks"]["nodes"]
    assert {row["code"]: row["clickEvents"]["totalCount"] for row in found} == expected
    for row in (*found, *answer["data"]["customers"]["nodes"]):
        assert len(row["clickEvents"]["nodes"]) == row["clickEvents"]["totalCount"]
    by_customer = sum(row["clickEvents"]["totalCount"] for row in answer["data"]["customers"]["nodes"])
    assert by_customer == sum(expected.values()) > 0


async def test_a_condition_on_what_is_hidden_matches_nothing(sample: Sample) -> None:
    """Ann's clicks through a link that is Bob's by now are hers, but which link that was is hidden from her."""
    mine = sample.count(of=lambda click: click.key["PARTNER"] == 1)[()]
    for token, dimension, kind, hidden in (
        (sample.ann, "LINK", "ReferralLink", (2, 4, 999)),
        (sample.ann, "PARTNER", "Partner", (2, 999)),
        (sample.ann, "PROGRAM", "Program", (999,)),
        (sample.beta, "LINK", "ReferralLink", (1, 2, 4)),
        (sample.beta, "PARTNER", "Partner", (2,)),
        (sample.beta, "PROGRAM", "Program", (1,)),
    ):
        ids = [encode_id(kind, id) for id in hidden]
        everything = (await listed(sample, "", token=token))["totalCount"]
        assert everything == (
            mine if token == sample.ann else sample.count(of=lambda click: click.key["PROGRAM"] == 2)[()]
        )
        for condition, expected in (
            ({"in": ids}, 0),
            ({"notIn": ids}, everything),
            ({"isKnown": False}, 0),
            ({"isKnown": True}, everything),
        ):
            where = [{"dimension": dimension, **condition}]
            assert (await listed(sample, "where: $where", token=token, where=where))["totalCount"] == expected, where
            asked = f"clickReport({PERIOD}, filter: {{where: $where}})"
            query = f"query ($where: [DimensionCondition!]) {{ {asked} {{ clicks }} }}"
            report = await sample.gateway.graphql(query, {"where": where}, token=token)
            assert report["data"]["clickReport"]["clicks"] == expected, where


EXPORTED: dict[str, Callable[[dict[str, Any]], bool]] = {
    '[{"dimension": "COUNTRY", "notIn": ["de"]}]': lambda key: key["COUNTRY"] != "DE",
    '{"dimension": "COUNTRY", "in": "de"}': lambda key: key["COUNTRY"] == "DE",
    '[{"dimension": "DEVICE", "isKnown": false}]': lambda key: key["DEVICE_TYPE"] is None,
    '[{"dimension": "LANDING_PAGE", "prefix": "https://shop"}, {"dimension": "COUNTRY", "in": ["US", "FR"]}]': (
        lambda key: key["LANDING_PAGE"].startswith("https://shop") and key["COUNTRY"] in ("US", "FR")
    ),
    '[{"dimension": "HOUR_OF_DAY", "notIn": ["00"], "prefix": null}]': lambda key: key["HOUR_OF_DAY"] != "22",
    "[]": lambda key: True,
}


@pytest.mark.parametrize("where", EXPORTED)
async def test_an_export_takes_the_same_conditions_as_json(sample: Sample, where: str) -> None:
    expected = sample.count(of=lambda click: EXPORTED[where](click.key))[()]
    period = {"occurredFrom": "2026-05-01T00:00:00Z", "occurredTo": "2026-06-01T00:00:00Z", "timezone": "Europe/Berlin"}
    given = {**period, "where": where}
    rows = json_rows(await exported(sample.gateway, sample.admin, "clicks", **given))
    assert (
        len(rows) == len(csv_rows(await exported(sample.gateway, sample.admin, "clicks", "csv", **given))) == expected
    )
    rest = await exported(sample.gateway, sample.admin, "clicks", **given, after=rows[3]["cursor"])
    assert json_rows(rest) == rows[4:]
    changed = await exported(sample.gateway, sample.admin, "clicks", after=rows[3]["cursor"])
    assert changed.status_code == 400


REFUSED_IN_EXPORTS = {
    "DE": 'where must be a JSON array such as [{"dimension": "COUNTRY", "notIn": ["DE"]}]: ',
    '[{"dimension": "COUNTRY", "in": [1]}]': "where must be a JSON array such as ",
    '[{"dimension": "COUNTRY", "is": "DE"}]': "where must be a JSON array such as ",
    '[{"in": ["DE"]}]': "where must be a JSON array such as ",
    '[{"dimension": "country", "in": ["DE"]}]': "where[0].dimension must be one of: PROGRAM, PARTNER, LINK, ",
    '[{"dimension": "COUNTRY"}]': "where[0] must have exactly one of in, notIn, prefix and isKnown",
    '[{"dimension": "LINK", "in": ["x"]}]': "where[0].in[0] is not a valid id",
    '[{"dimension": "OS", "prefix": "\\u0000"}]': "where[0].prefix must not contain NUL characters",
    '[{"dimension": "DAY_OF_WEEK", "in": ["MONDAY"]}]': "where can use HOUR_OF_DAY and DAY_OF_WEEK only together with ",
    json.dumps([{"dimension": "OS", "in": ["x"] * 101}]): "where[0].in must have at most 100 values",
    json.dumps([{"dimension": "OS", "isKnown": True}] * 21): "where must have at most 20 conditions",
}


@pytest.mark.parametrize("where", REFUSED_IN_EXPORTS, ids=range(len(REFUSED_IN_EXPORTS)))
async def test_an_export_refuses_conditions_that_make_no_sense(sample: Sample, where: str) -> None:
    answer = await exported(sample.gateway, sample.admin, "clicks", where=where)
    assert answer.status_code == 400
    assert answer.json()["code"] == "field_invalid"
    assert answer.json()["error"].startswith(REFUSED_IN_EXPORTS[where])
    assert (
        (await exported(sample.gateway, sample.admin, "sales", where=where))
        .json()["error"]
        .startswith("where is unknown")
    )
