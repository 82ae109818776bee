"""The demo's shop as its visitors use it: orders and refunds, and what the gateway then has of them."""

import json
import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from db.engine.store import Store
from db.schema.commissions import Commission, CommissionRule
from db.schema.conversions import LeadEvent, Refund, Sale
from db.schema.programs import Program
from db.schema.tokens import ApiToken
from gateway.configuration.settings import Settings
from gateway.demo import seed_data
from gateway.demo.checkout import PRICES
from gateway.demo.conversions import CURRENCY
from gateway.demo.page_templates import FOLDER
from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway
from tests.support.merchants import Merchant, make_merchant

APP = "gateway.demo.shop:create_app"
SHOP = "/demo/shop"
BUYING = {"customer_key": "ada_1", "product": "desk", "transaction_id": "order_1"}
TABLES = (Program, CommissionRule)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def demo(database_url: str) -> AsyncIterator[Merchant]:
    """The shop, with the first partner's link and no commission rule."""
    async with running_gateway(database_url, app=APP) as gateway:
        yield await make_merchant(gateway)


async def signed_up(demo: Merchant, customer_key: str = "ada_1") -> str:
    """Sign up a new visitor; return the click id."""
    click_id = await demo.visitor()
    assert (await demo.lead(click_id=click_id, customer_key=customer_key)).status_code == 200
    return click_id


async def bought(demo: Merchant, *, cookie: str | None = None, **fields: str) -> httpx.Response:
    headers = {"Cookie": f"affitor_click_id={cookie}"} if cookie else {}
    return await demo.gateway.http.post(f"{SHOP}/checkout", data={**BUYING, **fields}, headers=headers)


async def refunded(demo: Merchant, **fields: str) -> httpx.Response:
    return await demo.gateway.http.post(f"{SHOP}/refund", data=fields)


def text_of(page: httpx.Response, id: str) -> str:
    """Return the text of an element that contains no others."""
    (found,) = re.findall(rf'id="{id}"[^>]*>([^<]*)<', page.text)
    return unescape(found)


def problem(page: httpx.Response) -> str:
    return unescape(re.findall(r'role="alert" >([^<]+)<', page.text)[0])


def answer(page: httpx.Response) -> tuple[str, dict[str, Any]]:
    """Return the status and the body that the page says the gateway answered."""
    status, body = text_of(page, "answer").split("\n\n")
    return status, json.loads(body)


@pytest.mark.slow
async def test_an_order_and_its_refund_are_reported_with_a_tracking_token(demo: Merchant) -> None:
    await demo.rule(basis_points=2000)
    await signed_up(demo)
    page = await bought(demo)
    (sale,) = await demo.gateway.rows(Sale)
    (commission,) = await demo.commissions()
    assert (page.status_code, sale["amount"], sale["currency"], sale["product_id"]) == (200, 1900, CURRENCY, "desk")
    assert answer(page) == (
        "200 OK",
        {
            "success": True,
            "sale_id": sale["id"],
            "commission_id": commission["id"],
            "message": "Sale tracked successfully",
        },
    )
    assert f"sale {sale['id']}, and commission {commission['id']}" in text_of(page, "outcome")
    request, authorization, _, *body = text_of(page, "sent").splitlines()
    assert (request, authorization) == ("POST /api/v1/track/sale", "Authorization: Bearer …")
    assert json.loads("".join(body)) == {
        "transaction_id": "order_1",
        "amount_cents": 1900,
        "currency": CURRENCY,
        "customer_key": "ada_1",
        "product_id": "desk",
    }
    (token,) = [row for row in await demo.gateway.rows(ApiToken) if row["label"] is not None]
    assert (token["role"], token["program_id"]) == ("tracking", demo.program_id)
    page = await refunded(demo, transaction_id="order_1")
    assert page.status_code == 200
    assert "took 3.80 off commission" in text_of(page, "outcome")
    assert answer(page)[1]["status"] == "reversed"
    (refund,) = await demo.gateway.rows(Refund)
    assert (refund["amount"], refund["clawback"]) == (1900, 380)
    await demo.gateway.recorded()


async def test_what_is_sent_twice_is_recorded_once(demo: Merchant) -> None:
    await signed_up(demo)
    await bought(demo)
    again = await bought(demo)
    (sale,) = await demo.gateway.rows(Sale)
    assert (again.status_code, answer(again)[1]["sale_id"]) == (409, sale["id"])
    assert 'hidden>\n          <input type="hidden" name="transaction_id"' not in again.text
    assert answer(await refunded(demo, transaction_id="order_1"))[1]["status"] == "no_commission"
    assert "nothing left" in text_of(await refunded(demo, transaction_id="order_1"), "outcome")
    assert len(await demo.gateway.rows(Refund)) == 1


async def test_each_form_has_an_order_of_its_own(demo: Merchant) -> None:
    pages = [await demo.gateway.http.get(f"{SHOP}/checkout?customer_key=ada_1") for _ in range(2)]
    first, second = (re.findall(r'name="transaction_id" value="(order_\w+)"', page.text) for page in pages)
    assert len(first) == 1
    assert first != second
    assert 'value="ada_1"' in pages[0].text


async def test_a_customer_who_has_not_signed_up_is_known_by_the_click(demo: Merchant) -> None:
    click_id = await demo.visitor()
    assert answer(await bought(demo, cookie=click_id))[0] == "200 OK"
    assert (await demo.customer(click_id))["customer_key"] == "ada_1"


async def test_an_unknown_customer_is_told_what_to_do(demo: Merchant) -> None:
    page = await bought(demo, cookie="cust_999_1")
    assert (page.status_code, answer(page)[0]) == (400, "400 Bad Request")
    assert "Arrive through a partner link" in text_of(page, "outcome")
    assert await demo.gateway.rows(Sale) == []


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/checkout", "", "Enter the customer key"),
        ("/checkout", "customer_key=+&product=desk", "Enter the customer key"),
        ("/checkout", "customer_key=ada_1", "Choose one of the notebooks"),
        ("/checkout", "customer_key=ada_1&product=refills", "Choose one of the notebooks"),
        ("/checkout", "customer_key=ada_1&product=%00", "Choose one of the notebooks"),
        ("/checkout", "a=b&" * 30, "could not be read"),
        ("/checkout", "x" * 70_000, "too large"),
        ("/refund", "", "no order to refund"),
        ("/refund", "transaction_id=%20", "no order to refund"),
        ("/refund", b"\xff\x00=\xfe", "no order to refund"),
        ("/refund", "x" * 70_000, "too large"),
    ],
)
async def test_a_form_that_is_filled_in_wrongly_is_shown_again(
    demo: Merchant, path: str, body: str | bytes, message: str
) -> None:
    page = await demo.gateway.http.post(SHOP + path, content=body, headers=FORM)
    assert page.status_code == (413 if len(body) > 65_536 else 400)
    assert message in problem(page)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_what_the_gateway_refuses_is_shown(demo: Merchant) -> None:
    await signed_up(demo)
    for page in (
        await bought(demo, customer_key="k" * 256),
        await bought(demo, transaction_id="t" * 256),
        await refunded(demo, transaction_id="t" * 256),
        await refunded(demo, transaction_id="order_2"),
    ):
        assert page.status_code in {400, 404}
        status, body = answer(page)
        assert status.startswith(str(page.status_code))
        assert text_of(page, "outcome") in {body["error"], "The gateway knows no such order."}


async def test_what_visitors_enter_is_escaped(demo: Merchant) -> None:
    entered = '"><script>$shop</script>'
    for page in (
        await demo.gateway.http.get(f"{SHOP}/checkout", params={"customer_key": entered}),
        await bought(demo, customer_key=entered),
        await bought(demo, customer_key=entered, product="none"),
        await refunded(demo, transaction_id=entered),
    ):
        assert "<script>$" not in page.text
        assert "&lt;script&gt;$shop" in page.text.replace("\\&quot;", "&quot;")


async def test_the_address_of_a_refund_leads_back_to_the_checkout(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), app=APP, root_path="/affiliate") as gateway:
        demo = await make_merchant(gateway)
        moved = await gateway.http.get(f"{SHOP}/refund")
        assert (moved.status_code, moved.headers["Location"]) == (303, f"/affiliate{SHOP}/checkout")
        await signed_up(demo)
        page = await bought(demo)
        assert f'action="/affiliate{SHOP}/refund"' in page.text
        assert answer(page)[0] == "200 OK"


def test_the_pages_have_the_prices_that_the_shop_charges() -> None:
    prices = [f"€{price // 100}" for price in PRICES.values()]
    assert re.findall(r'class="price">(€\d+)<', (FOLDER / "pricing.html").read_text()) == prices
    offered = re.findall(r'value="(\w+)" \$\w+> \w+, (€\d+)<', (FOLDER / "checkout.html").read_text())
    assert offered == [*zip(PRICES, prices, strict=True)]


@pytest.mark.slow
async def test_a_demo_from_before_there_were_conversions_gets_the_rules(database_url: str) -> None:
    settings = Settings(database_url=database_url)

    async def nothing(*_: object, **__: object) -> None:
        pass

    with patch.multiple(seed_data, make_rules=nothing, make_conversions=nothing, make_payouts=nothing, CURRENCY="USD"):
        await seed_data.fill(settings)
    for _ in range(2):
        await seed_data.fill(settings)
        store = Store(database_url)
        try:
            async with store.read() as connection:
                rows = {table: (await connection.execute(table.__table__.select())).all() for table in TABLES}
        finally:
            await store.close()
        assert [program.currency for program in rows[Program]] == [CURRENCY]
        assert {rule.event for rule in rows[CommissionRule]} == {"sale", "lead"}
        assert len(rows[CommissionRule]) == 4
    async with running_gateway(database_url, app=APP) as gateway:
        demo = Merchant(gateway, rows[Program][0].id, "NEWSLETTER", "")
        await signed_up(demo)
        assert answer(await bought(demo))[1]["commission_id"] is not None
        assert [len(await gateway.rows(table)) for table in (LeadEvent, Sale, Commission)] == [1, 1, 2]
