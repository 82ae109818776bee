"""What a program's owner changes of the program, and that its domain opens nothing that is not the program's."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from db.lookups.link_directory import LinkDirectory
from db.schema.programs import Program
from graph.query.global_ids import encode_id
from tests.support.admin_mutations import change, changed, make_world, refusal
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.merchant_pages import merchant_pages

CHECK = """
mutation ($input: StartInstallationCheckInput!) { startInstallationCheck(input: $input) { page { state } } }
"""
TAKEN = ("domain", "field_invalid")


async def test_an_owner_changes_name_domain_and_window(gateway: Gateway) -> None:
    world = await make_world(gateway)
    new = {"name": " New name ", "domain": "https://New.Example/shop", "cookieWindowDays": 7}
    told = (await changed(gateway, "updateProgram", world.owner, id=world.program, **new))["program"]
    assert (told["name"], told["domain"], told["cookieWindowDays"]) == ("New name", "new.example", 7)
    kept = (await changed(gateway, "updateProgram", world.owner, id=world.program))["program"]
    assert kept == told
    cleared = (await changed(gateway, "updateProgram", world.owner, id=world.program, domain=None))["program"]
    assert cleared == told | {"domain": None}
    for field, value in (("name", ""), ("domain", "nonsense"), ("cookieWindowDays", 0)):
        wrong = await refusal(gateway, "updateProgram", world.owner, id=world.program, **{field: value})
        assert wrong == (field, "field_invalid")


@pytest.mark.slow
@pytest.mark.parametrize("field", [{"currency": "EUR"}, {"leadAuth": "SERVER"}])
async def test_an_owner_does_not_decide_how_money_is_counted(gateway: Gateway, field: dict[str, Any]) -> None:
    world = await make_world(gateway)
    before = await gateway.rows(Program)
    wrong = await refusal(gateway, "updateProgram", world.owner, id=world.program, name="New", **field)
    assert wrong == (None, "FORBIDDEN")
    assert await gateway.rows(Program) == before


async def test_every_gateway_takes_the_owners_window(gateway: Gateway) -> None:
    world = await make_world(gateway)
    directory = LinkDirectory(gateway.store)
    await directory.refresh()
    await changed(gateway, "updateProgram", world.owner, id=world.program, cookieWindowDays=7)
    await directory.refresh()
    program = await directory.program(1)
    assert program is not None
    assert program.cookie_window_days == 7


@pytest.mark.parametrize(
    "domain", ["shop.example.com", "www.shop.example.com", "example.com", "shop.example.com:8080", "SHOP.example.com."]
)
async def test_an_owner_cannot_take_the_site_of_another_program(gateway: Gateway, domain: str) -> None:
    world = await make_world(gateway)
    await changed(gateway, "updateProgram", world.admin, id=world.elsewhere, domain="shop.example.com")
    assert await refusal(gateway, "updateProgram", world.owner, id=world.program, domain=domain) == TAKEN
    assert (await gateway.rows(Program))[0]["domain"] is None
    await changed(gateway, "updateProgram", world.admin, id=world.program, domain=domain)


@pytest.mark.slow
async def test_an_owner_may_keep_a_domain_that_an_administrator_has_given_to_two(gateway: Gateway) -> None:
    world = await make_world(gateway)
    for program in (world.program, world.elsewhere):
        await changed(gateway, "updateProgram", world.admin, id=program, domain="example.com")
    same = {"id": world.program, "domain": "example.com", "name": "New"}
    assert (await changed(gateway, "updateProgram", world.owner, **same))["program"]["name"] == "New"
    await changed(gateway, "updateProgram", world.owner, id=world.program, domain="example.org")
    await changed(gateway, "updateProgram", world.owner, id=world.program, domain="notexample.com")
    assert await refusal(gateway, "updateProgram", world.owner, id=world.program, domain="example.com") == TAKEN


@pytest.mark.slow
async def test_only_one_of_several_concurrent_claims_of_a_site_wins(database_url: str) -> None:
    async with running_gateway(database_url) as gateway, running_gateway(database_url) as other:
        owners = []
        for _ in range(8):
            program = await gateway.program()
            token = await gateway.token("program", program_id=program["id"])
            owners.append((encode_id("Program", program["id"]), token))
        for site in range(6):
            # The one is a subdomain of the other, so all of them overlap.
            domains = (f"shop.site{site}.example", f"site{site}.example")
            claims = [
                change((gateway, other)[n % 2], "updateProgram", token, id=id, domain=domains[n // 2 % 2])
                for n, (id, token) in enumerate(owners)
            ]
            payloads = [answer["data"]["updateProgram"] for answer in await asyncio.gather(*claims)]
            told = Counter(error["field"] for each in payloads for error in each["userErrors"] or [{"field": None}])
            assert told == {None: 1, "domain": 7}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
async def test_a_domain_of_an_owner_leads_to_no_private_address(make_sqlite: MakeDatabase, name: str) -> None:
    async with running_gateway(make_sqlite(), private_sites="false") as gateway, merchant_pages() as pages:
        world = await make_world(gateway)
        pages.set("/", "<p>Internal")
        domain = f"{name}:{pages.port}"
        await changed(gateway, "updateProgram", world.owner, id=world.program, domain=domain)
        input = {"programId": world.program, "url": f"http://{domain}/", "origin": "https://clicks.example.com"}
        answer = await gateway.graphql(CHECK, {"input": input}, token=world.owner)
        assert answer["data"]["startInstallationCheck"]["page"]["state"] == "PRIVATE_ADDRESS"
        other = {**input, "url": "http://elsewhere.example/"}
        refused = await gateway.graphql(CHECK, {"input": other}, token=world.owner)
        assert refused["data"]["startInstallationCheck"] == {"page": None}
