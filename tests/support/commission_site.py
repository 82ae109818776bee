"""A gateway with a commission in each state, for the dashboard's lists."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from graph.domain import commissions, payouts
from graph.domain.payouts import NewPayout
from tests.support.gateways import Gateway, running_gateway
from tests.support.merchants import Merchant, make_merchant

HOLD_DAYS = 15


class Site(NamedTuple):
    """A merchant with a commission in each state, and one partner's link beside another's. `conversions` is the address
    of the section that lists them."""

    gateway: Gateway
    merchant: Merchant
    conversions: str


@asynccontextmanager
async def running_site(database_url: str) -> AsyncIterator[Site]:
    async with running_gateway(database_url) as gateway:
        merchant = await make_merchant(gateway)
        await merchant.rule(hold_days=HOLD_DAYS)
        await merchant.rule(product_id="at-once", hold_days=0)
        await merchant.rule(product_id="checked", approval="manual")
        await merchant.rule(event="lead", kind="fixed", basis_points=None, amount=50, currency="EUR")
        click_id = await merchant.visitor()
        await merchant.lead(
            by_server=True,
            click_id=click_id,
            customer_key="user_1",
            email="anna@shop.example",
            page_url="https://s.ex/up",
        )
        for order, product in (("paid", "at-once"), ("held", "desk"), ("by-hand", "checked"), ("bad", "desk")):
            assert (await merchant.sale(transaction_id=order, customer_key="user_1", product_id=product)).is_success
            if order == "paid":
                await payouts.record(gateway.context, NewPayout(merchant.program_id, 1, "USD", None, None))
        await merchant.sale(transaction_id="returned", customer_key="user_1", line_items=[{"sku": "sku_1"}])
        await merchant.sale(transaction_id="approved", customer_key="user_1", product_id="at-once")
        await merchant.refund("returned", refund_reason="Too small")
        await merchant.refund("held", refund_amount_cents=1000)
        rejected = next(row for row in await merchant.commissions() if row["sale_id"] == 4)
        await commissions.reject(gateway.context, merchant.program_id, [rejected["id"]], "A test order")
        yield Site(gateway, merchant, str(gateway.http.base_url.join("/dashboard/conversions")))
