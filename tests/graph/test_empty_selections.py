"""Objects of which a client selects nothing in the end, since all of its fields are skipped or renamed."""

from tests.support.gateways import Gateway

PERIOD = 'from: "2026-08-01T00:00:00Z", to: "2026-08-03T00:00:00Z"'


async def test_an_object_whose_fields_are_all_skipped_is_empty(gateway: Gateway) -> None:
    await gateway.link()
    token = await gateway.token()
    answer = await gateway.graphql(
        f"""{{
            referralLinks {{ nodes {{ id @skip(if: true) }} edges {{ cursor @skip(if: true) }} }}
            nested: referralLinks {{
                nodes {{ program {{ id @skip(if: true) }} }} edges {{ node {{ id @skip(if: true) }} }}
            }}
            clickReport({PERIOD}) {{ series {{ start @skip(if: true) }} top(by: LINK) {{ value @skip(if: true) }} }}
            other: clickReport({PERIOD}) {{ breakdown(by: LINK) {{
                nodes {{ keys {{ value @skip(if: true) }} }} edges {{ cursor @skip(if: true) }}
                rest {{ clicks @skip(if: true) }} pageInfo {{ endCursor @skip(if: true) }}
            }} all: breakdown(by: LINK) {{ totalCount @skip(if: true) }} }}
        }}""",
        token=token,
    )
    assert answer["data"] == {
        "referralLinks": {"nodes": [{}], "edges": [{}]},
        "nested": {"nodes": [{"program": {}}], "edges": [{"node": {}}]},
        "clickReport": {"series": [{}, {}], "top": []},
        "other": {"breakdown": {"nodes": [], "edges": [], "rest": {}, "pageInfo": {}}, "all": {}},
    }


async def test_response_keys_may_be_words_of_any_language(gateway: Gateway) -> None:
    await gateway.link()
    answer = await gateway.graphql(
        f"""{{
            class: referralLinks {{ nodes {{ if: code None: __typename value0: clicks }} edges {{ lambda: cursor }} }}
            clickReport({PERIOD}) {{ series {{ return: clicks self: __typename }} }}
        }}""",
        token=await gateway.token(),
    )
    (edge,) = answer["data"]["class"].pop("edges")
    assert list(edge) == ["lambda"]
    assert answer["data"] == {
        "class": {"nodes": [{"if": "PARTNER123", "None": "ReferralLink", "value0": 0}]},
        "clickReport": {"series": [{"return": 0, "self": "ClickBucket"}] * 2},
    }
