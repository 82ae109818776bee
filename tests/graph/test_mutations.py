"""Mutations: validation and user errors, the meaning of null, races, and when clicks see a change."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from graph.query.global_ids import encode_id
from tests.support.admin_mutations import change, changed, make_world, refusal
from tests.support.gateways import PROMISED_SECONDS, Gateway, body_of, running_gateway

NO_NAMES = ["", " ", "\t", "x" * 256, "a\nb", "a\0b", "a\u202eb"]
NO_URLS = ["", "nonsense", "//shop.example", "ftp://shop.example", "javascript:alert(1)", "https://", "https://a b.c/"]
NO_URLS += ["https://shop.example/\0", "https://shop.example/\n", "https://shop.example/" + "x" * 2048]
NO_CODES = ["", " ", "a b", "x" * 65, "é", "a/b", "a.b", "A\n", "A\0", "\uff21", "%41"]
NO_EMAILS = ["", "nobody", "@example.com", "nobody@", "no body@example.com", "a@b\nBcc: c@d", "x" * 250 + "@y.example"]
NO_IDS = ["", "garbage", "1", "UHJvZ3JhbTo", "UHJvZ3JhbTotMQ", "x" * 10_000, "é", encode_id("Program", 10**17) + "A"]


async def faults(gateway: Gateway, mutation: str, token: str, field: str, wrongs: list[Any], **others: Any) -> set[Any]:
    """Return what is told of each wrong value of a field."""
    return {await refusal(gateway, mutation, token, **others, **{field: wrong}) for wrong in wrongs}


@pytest.mark.slow
async def test_an_invalid_field_is_a_user_error_that_names_it(gateway: Gateway) -> None:
    world = await make_world(gateway)
    new_link = {"code": "NEW", "programId": world.program, "partnerId": world.partner}
    new_token = {"role": "PARTNER", "partnerId": world.partner}
    tries: list[tuple[str, str, list[Any], dict[str, Any]]] = [
        ("createProgram", "name", NO_NAMES, {}),
        ("createProgram", "domain", NO_NAMES, {"name": "New"}),
        ("createProgram", "cookieWindowDays", [0, -1, 3651, 2**31 - 1], {"name": "New"}),
        ("updateProgram", "name", NO_NAMES, {"id": world.program}),
        ("updateProgram", "domain", NO_NAMES, {"id": world.program}),
        ("updateProgram", "cookieWindowDays", [0, 3651], {"id": world.program}),
        ("createPartner", "name", NO_NAMES, {}),
        ("createPartner", "email", NO_EMAILS, {"name": "New"}),
        ("updatePartner", "name", NO_NAMES, {"id": world.partner}),
        ("updatePartner", "email", NO_EMAILS, {"id": world.partner}),
        ("updateToken", "label", NO_NAMES, {"id": encode_id("ApiToken", 1)}),
        ("createReferralLink", "code", NO_CODES, new_link),
        ("createReferralLink", "destinationUrl", NO_URLS, new_link),
        ("updateReferralLink", "code", NO_CODES, {"id": world.link}),
        ("updateReferralLink", "destinationUrl", NO_URLS, {"id": world.link}),
        ("issueToken", "label", NO_NAMES, new_token),
        ("issueToken", "expiresAt", ["2020-01-01T00:00:00Z", "0001-01-01T00:00:00Z"], new_token),
        ("issueToken", "programId", [None], {"role": "PROGRAM"}),
        ("issueToken", "partnerId", [None], {"role": "PARTNER"}),
        ("issueToken", "programId", [world.program], {"role": "ADMIN"}),
        ("issueToken", "partnerId", [world.partner], {"role": "ADMIN"}),
        ("issueToken", "partnerId", [world.partner], {"role": "PROGRAM", "programId": world.program}),
        ("issueToken", "partnerId", [world.stranger], {"role": "PARTNER", "programId": world.program}),
        ("createSignInLink", "label", NO_NAMES, {"partnerId": world.partner}),
        ("createSignInLink", "validDays", [0, -1, 31, 2**31 - 1], {"partnerId": world.partner}),
        ("createSignInLink", "role", ["TRACKING"], {"programId": world.program}),
        ("createSignInLink", "partnerId", [None], {}),
        ("createReferralLink", "partnerId", [world.stranger], {"code": "NEW", "programId": world.program}),
    ]
    for mutation, field, wrongs, others in tries:
        kept = {name: value for name, value in others.items() if name != field}
        found = await faults(gateway, mutation, world.admin, field, wrongs, **kept)
        assert found == {(field, "field_invalid")}, mutation


@pytest.mark.slow
async def test_partners_and_tokens_are_updated_as_far_as_given(gateway: Gateway) -> None:
    world = await make_world(gateway)
    partner = (await changed(gateway, "createPartner", world.admin, name="Blog", email="b@example.com"))["partner"]
    kept: list[dict[str, Any]] = [{}, {"name": None}, {"email": None}, {"name": "Blog"}]
    for input in kept:
        assert (await changed(gateway, "updatePartner", world.admin, id=partner["id"], **input))["partner"] == partner
    moved = await changed(gateway, "updatePartner", world.admin, id=partner["id"], name=" Site ", email="s@example.com")
    assert moved["partner"] == partner | {"name": "Site", "email": "s@example.com"}
    token = (await changed(gateway, "issueToken", world.admin, role="ADMIN", label="Old"))["apiToken"]
    assert (await changed(gateway, "updateToken", world.admin, id=token["id"]))["apiToken"] == token
    for label in ("New", None):
        changed_token = (await changed(gateway, "updateToken", world.admin, id=token["id"], label=label))["apiToken"]
        assert changed_token == token | {"label": label}


@pytest.mark.slow
async def test_a_malformed_id_or_an_id_of_another_type_is_reported(gateway: Gateway) -> None:
    world = await make_world(gateway)
    new_link = {"code": "NEW", "programId": world.program, "partnerId": world.partner}
    tries: list[tuple[str, str, str, dict[str, Any]]] = [
        ("updateProgram", "id", world.partner, {"name": "X"}),
        ("createPartner", "programId", world.partner, {"name": "X"}),
        ("addPartnerToProgram", "programId", world.partner, {"partnerId": world.partner}),
        ("addPartnerToProgram", "partnerId", world.program, {"programId": world.program}),
        ("createReferralLink", "programId", world.link, new_link),
        ("createReferralLink", "partnerId", world.link, new_link),
        ("updateReferralLink", "id", world.program, {"code": "X"}),
        ("updatePartner", "id", world.program, {"name": "X"}),
        ("updateToken", "id", world.program, {"label": "X"}),
        ("issueToken", "programId", world.partner, {"role": "PROGRAM"}),
        ("issueToken", "partnerId", world.program, {"role": "PARTNER"}),
        ("createSignInLink", "programId", world.partner, {"role": "PROGRAM"}),
        ("createSignInLink", "partnerId", world.program, {}),
        ("revokeToken", "id", world.program, {}),
    ]
    for mutation, field, other, others in tries:
        kept = {name: value for name, value in others.items() if name != field}
        found = await faults(gateway, mutation, world.admin, field, [*NO_IDS, 5, other], **kept)
        assert found == {(field, "field_invalid")}, mutation
        found = await faults(gateway, mutation, world.admin, field, [True, [], {}, 1.5], **kept)
        assert found == {(None, "BAD_USER_INPUT")}, mutation


@pytest.mark.slow
async def test_a_missing_row_is_reported(gateway: Gateway) -> None:
    world = await make_world(gateway)
    nobody = {kind: encode_id(kind, 10**17) for kind in ("Program", "Partner", "ReferralLink", "ApiToken")}
    tries: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
        ("updateProgram", {"id": nobody["Program"]}, ("id", "unknown_program")),
        ("updateProgram", {"id": nobody["Program"], "name": "X"}, ("id", "unknown_program")),
        ("createPartner", {"name": "X", "programId": nobody["Program"]}, ("programId", "unknown_program")),
        (
            "addPartnerToProgram",
            {"partnerId": nobody["Partner"], "programId": world.program},
            ("partnerId", "unknown_partner"),
        ),
        ("updateReferralLink", {"id": nobody["ReferralLink"], "code": "X"}, ("id", "unknown_link")),
        ("issueToken", {"role": "PROGRAM", "programId": nobody["Program"]}, ("programId", "unknown_program")),
        ("issueToken", {"role": "PARTNER", "partnerId": nobody["Partner"]}, ("partnerId", "unknown_partner")),
        ("updatePartner", {"id": nobody["Partner"]}, ("id", "unknown_partner")),
        ("updateToken", {"id": nobody["ApiToken"]}, ("id", "unknown_token")),
        ("revokeToken", {"id": nobody["ApiToken"]}, ("id", "unknown_token")),
    ]
    for mutation, input, told in tries:
        assert await refusal(gateway, mutation, world.admin, **input) == told


async def test_a_value_of_the_wrong_type_changes_nothing(gateway: Gateway) -> None:
    world = await make_world(gateway)
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("createProgram", {"name": 5}),
        ("createProgram", {"name": None}),
        ("createProgram", {"name": "X", "cookieWindowDays": "60"}),
        ("createProgram", {"name": "X", "cookieWindowDays": 2**31}),
        ("createProgram", {"name": "X", "cookieWindowDays": None}),
        ("createProgram", {"name": "X", "rows": 1}),
        ("updateReferralLink", {"id": world.link, "status": "paused"}),
        ("updateReferralLink", {"id": None}),
        ("issueToken", {"role": "admin"}),
        ("issueToken", {"role": "ADMIN", "expiresAt": "tomorrow"}),
        ("issueToken", {"role": "ADMIN", "expiresAt": "2030-01-01T00:00:00"}),
        ("issueToken", {"role": "ADMIN", "expiresAt": 1}),
    ]
    for mutation, input in wrong:
        assert await refusal(gateway, mutation, world.admin, **input) == (None, "BAD_USER_INPUT")


async def test_updating_a_program_keeps_omitted_fields_and_clears_nullable_ones(gateway: Gateway) -> None:
    admin = await gateway.token()
    asked = {"name": " Shop ", "domain": "shop.example", "cookieWindowDays": 3650}
    made = (await changed(gateway, "createProgram", admin, **asked))["program"]
    assert (made["name"], made["domain"], made["cookieWindowDays"]) == ("Shop", "shop.example", 3650)
    kept: list[dict[str, Any]] = [{}, {"name": None}, {"cookieWindowDays": None}]
    for input in kept:
        assert (await changed(gateway, "updateProgram", admin, id=made["id"], **input))["program"] == made
    emptied = await changed(gateway, "updateProgram", admin, id=made["id"], domain=None, cookieWindowDays=1)
    assert emptied["program"] == made | {"domain": None, "cookieWindowDays": 1}


async def test_updating_a_link_keeps_omitted_fields_and_clears_nullable_ones(gateway: Gateway) -> None:
    world = await make_world(gateway)
    url = "https://shop.example/pricing?a=b"
    asked = {"code": "NEW-1_", "programId": world.program, "partnerId": world.partner, "destinationUrl": url}
    made = (await changed(gateway, "createReferralLink", world.owner, **asked))["referralLink"]
    assert (made["code"], made["destinationUrl"], made["status"]) == ("NEW-1_", url, "ACTIVE")
    assert made["url"] == f"{url}&aff=NEW-1_"
    kept: list[dict[str, Any]] = [{}, {"code": None}, {"status": None}, {"code": "NEW-1_"}]
    for input in kept:
        same = await changed(gateway, "updateReferralLink", world.owner, id=made["id"], **input)
        assert same["referralLink"] == made
    emptied = await changed(gateway, "updateReferralLink", world.owner, id=made["id"], destinationUrl=None)
    assert emptied["referralLink"] == made | {"destinationUrl": None, "url": None}


async def test_a_partner_joins_a_program_once(gateway: Gateway) -> None:
    world = await make_world(gateway)
    joins = {"partnerId": world.partner, "programId": world.elsewhere}
    answers = await asyncio.gather(*(changed(gateway, "addPartnerToProgram", world.admin, **joins) for _ in range(5)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["partnerProgram"] == {"program": {"id": world.elsewhere}, "partner": {"id": world.partner}}
    assert len(await gateway.memberships()) == 5


async def test_a_code_belongs_to_only_one_link(gateway: Gateway) -> None:
    world = await make_world(gateway)
    new = {"programId": world.program, "partnerId": world.partner}
    for code in ("HERE", "THERE"):
        assert await refusal(gateway, "createReferralLink", world.owner, code=code, **new) == ("code", "code_taken")
    for code in ("SHARED-HERE", "THERE"):
        told = await refusal(gateway, "updateReferralLink", world.owner, id=world.link, code=code)
        assert told == ("code", "code_taken")
    assert (await changed(gateway, "createReferralLink", world.owner, code="here", **new))["referralLink"]


def outcomes(mutation: str, answers: list[dict[str, Any]]) -> Counter[str]:
    payloads = [answer["data"][mutation] for answer in answers]
    return Counter(error["code"] for payload in payloads for error in payload["userErrors"] or [{"code": "done"}])


async def test_only_one_of_several_concurrent_claims_of_a_code_wins(database_url: str) -> None:
    async with running_gateway(database_url) as gateway, running_gateway(database_url) as other:
        world = await make_world(gateway)
        both = (gateway, other)
        new = {"programId": world.program, "partnerId": world.partner}
        made = [change(both[n % 2], "createReferralLink", world.owner, code="NEW", **new) for n in range(8)]
        assert outcomes("createReferralLink", await asyncio.gather(*made)) == {"done": 1, "code_taken": 7}
        ids = [world.link, world.foreign_link]
        taken = [change(both[n], "updateReferralLink", world.admin, id=ids[n], code="ONE") for n in (0, 1)]
        assert outcomes("updateReferralLink", await asyncio.gather(*taken)) == {"done": 1, "code_taken": 1}


async def until_answered(gateways: Iterable[Gateway], code: str, **expected: Any) -> None:
    """Send clicks to each gateway until one is answered as expected, for at most the second in which all know."""
    async with asyncio.timeout(PROMISED_SECONDS):
        for gateway in gateways:
            while not expected.items() <= body_of(await gateway.track(code)).items():
                await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_new_link_records_clicks_at_once_and_a_paused_one_stops_within_a_second(database_url: str) -> None:
    async with running_gateway(database_url) as gateway, running_gateway(database_url) as other:
        world = await make_world(gateway)
        new = {"programId": world.program, "partnerId": world.partner}
        made = (await changed(gateway, "createReferralLink", world.owner, code="NEW", **new))["referralLink"]
        both = (gateway, other)
        for each in both:
            assert body_of(await each.track("NEW"))["partner_code"] == "NEW"
        await changed(other, "updateReferralLink", world.owner, id=made["id"], status="INACTIVE")
        await until_answered(both, "NEW", success=False)
        await changed(gateway, "updateReferralLink", world.owner, id=made["id"], status="ACTIVE", code="RENAMED")
        await until_answered(both, "RENAMED", success=True)
        await until_answered(both, "NEW", error="Referral link not found")
        await changed(gateway, "updateProgram", world.admin, id=world.program, cookieWindowDays=7)
        await until_answered(both, "RENAMED", cookie_window_days=7)


@pytest.mark.slow
async def test_a_new_link_with_a_code_that_was_unknown_before_records_clicks_within_a_second(database_url: str) -> None:
    async with running_gateway(database_url) as gateway, running_gateway(database_url) as other:
        world = await make_world(gateway)
        for each in (gateway, other):
            assert (await each.track("NEW")).status_code == 400
        new = {"programId": world.program, "partnerId": world.partner}
        await changed(gateway, "createReferralLink", world.owner, code="NEW", **new)
        await until_answered((gateway, other), "NEW", success=True)


async def test_mutations_of_one_request_run_in_order_and_independently(gateway: Gateway) -> None:
    document = """mutation {
      first: createProgram(input: {name: "One"}) { userErrors { field } program { name } }
      second: createProgram(input: {name: ""}) { program { name } userErrors { field code __typename } __typename }
      third: createProgram(input: {name: "Three"}) { program { id: name cookieWindowDays } }
    }"""
    answer = await gateway.graphql(document, token=await gateway.token())
    assert answer["data"] == {
        "first": {"userErrors": [], "program": {"name": "One"}},
        "second": {
            "program": None,
            "userErrors": [{"field": "name", "code": "field_invalid", "__typename": "UserError"}],
            "__typename": "ProgramPayload",
        },
        "third": {"program": {"id": "Three", "cookieWindowDays": 60}},
    }


async def test_a_program_has_a_currency_and_says_who_records_leads(gateway: Gateway) -> None:
    admin = await gateway.token()
    usual = (await changed(gateway, "createProgram", admin, name="Shop"))["program"]
    assert (usual["currency"], usual["leadAuth"]) == ("USD", "BROWSER")
    made = (await changed(gateway, "createProgram", admin, name="Shop", currency="eur", leadAuth="SERVER"))["program"]
    assert (made["currency"], made["leadAuth"]) == ("EUR", "SERVER")
    kept: list[dict[str, Any]] = [{}, {"currency": None}, {"leadAuth": None}]
    for input in kept:
        assert (await changed(gateway, "updateProgram", admin, id=made["id"], **input))["program"] == made
    moved = await changed(gateway, "updateProgram", admin, id=made["id"], currency="JPY", leadAuth="BROWSER")
    assert moved["program"] == made | {"currency": "JPY", "leadAuth": "BROWSER"}
    for wrong in ("", "dollars", "XAU", "\0"):
        told = await refusal(gateway, "updateProgram", admin, id=made["id"], currency=wrong)
        assert told == ("currency", "field_invalid")
