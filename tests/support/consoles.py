"""A gateway whose program has 50 partners and 200 links, a browser, and tokens: for the dashboard's sections."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from playwright.async_api import Browser, Page

from graph.query.global_ids import encode_id
from tests.support.click_history import hourly, record_past
from tests.support.gateways import Gateway, running_gateway
from tests.support.merchants import Merchant, make_merchant
from tests.support.web_pages import visiting

PARTNERS, LINKS = 50, 200
DOMAIN = 'mutation ($id: ID!) { updateProgram(input: {id: $id, domain: "yoursite.com"}) { userErrors { message } } }'
LONG = ("A name that is as long as a name may be, " * 7)[:255]
ARABIC = "شريك التسويق بالعمولة في مدينة بعيدة جدا عن هنا"
CHINESE = "一个非常遥远的城市里的联盟营销合作伙伴"
NAMES = (LONG, ARABIC, CHINESE)


class Console(NamedTuple):
    """What the tests of the sections share. They may add clicks and conversions, but nothing else."""

    browser: Browser
    gateway: Gateway
    merchant: Merchant
    tokens: dict[str, str]

    def address(self, path: str = "") -> str:
        return str(self.gateway.http.base_url.join(f"/dashboard{path}"))

    def visit(self, path: str = "", role: str = "program", **look: Any) -> AbstractAsyncContextManager[Page]:
        """Open a page of the dashboard as the holder of a token."""
        return visiting(self.browser, self.address(path), token=self.tokens[role], **look)


@asynccontextmanager
async def running_console(database_url: str, browser: Browser) -> AsyncIterator[Console]:
    async with running_gateway(database_url) as gateway:
        merchant = await make_merchant(gateway)
        await merchant.rule()
        await record_past(gateway, await gateway.link_row(), hourly(datetime.now(UTC), 60))
        click_id = await merchant.visitor()
        for number in range(12):
            sold = await merchant.sale(transaction_id=f"order-{number}", click_id=click_id, customer_key="user_1")
            assert sold.is_success
        await _set_domain(merchant)
        await _make_partners(gateway, {"id": merchant.program_id})
        tokens = await _tokens(merchant) | {"long": await gateway.token("partner", partner_id=2)}
        yield Console(browser, gateway, merchant, tokens)


@asynccontextmanager
async def running_office(database_url: str, browser: Browser) -> AsyncIterator[Console]:
    """Run a gateway whose rows a test may change: a program with a domain, two partners and a link."""
    async with running_gateway(database_url) as gateway:
        merchant = await make_merchant(gateway, name="My shop")
        await _set_domain(merchant)
        await gateway.partner({"id": merchant.program_id}, name="Second partner")
        yield Console(browser, gateway, merchant, await _tokens(merchant))


async def _set_domain(merchant: Merchant) -> None:
    ids = {"id": encode_id("Program", merchant.program_id)}
    changed = await merchant.gateway.graphql(DOMAIN, ids, token=await merchant.gateway.token())
    assert changed["data"]["updateProgram"]["userErrors"] == []


async def _tokens(merchant: Merchant) -> dict[str, str]:
    gateway = merchant.gateway
    return {
        "admin": await gateway.token(),
        "program": await gateway.token("program", program_id=merchant.program_id),
        "partner": await gateway.token("partner", partner_id=1),
    }


async def _make_partners(gateway: Gateway, program: dict[str, Any]) -> None:
    """Create the other partners and links. Some have long names, and a click each."""
    for number in range(1, PARTNERS):
        name = NAMES[number - 1] if number <= len(NAMES) else f"Partner {number:02}"
        partner = await gateway.partner(program, name=name)
        for count in range(LINKS // PARTNERS):
            code = f"CODE-{number:02}-{count}" if number > 1 else f"{'X' * 62}-{count}"
            await gateway.link(code, program=program, partner=partner)
            if number <= len(NAMES):
                await gateway.track(code)
    await gateway.link("SECOND", program=program, partner={"id": 1}, status="inactive")
    for number in range(2):
        await gateway.link(f"THIRD-{number}", program=program, partner={"id": 1})
