"""Payouts: any sequence of sales, refunds, rejections and payouts pays each cent once, on both databases."""

import asyncio
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from db.schema.commissions import Commission, ConversionSum, Payout
from db.schema.conversions import Refund, Sale
from graph.domain import commissions, payouts
from graph.domain.context import Context
from graph.domain.conversion_errors import CommissionSettled, NothingToPay
from graph.domain.payouts import NewPayout
from graph.query.global_ids import encode_id
from tests.support import conversion_rows
from tests.support.admin_mutations import changed, refusal
from tests.support.conversion_rows import NOW, Shop, make_shop
from tests.support.gateways import Gateway

BALANCE = """query ($id: ID!) { node(id: $id) { ... on PartnerProgram {
  balance { amount currency formatted } earnings { amount currency } revenue { amount currency }
} } }"""
DAY = timedelta(days=1)


@dataclass
class Ledger:
    """What a partner should be owed, kept in plain Python beside the database."""

    gateway: Gateway
    shop: Shop
    choose: random.Random
    now: Any = NOW
    sold: list[dict[str, Any]] = field(default_factory=list)
    paid: int = 0

    @property
    def context(self) -> Context:
        services = replace(self.gateway.context.services, clock=lambda: self.now)
        return Context(services, viewer=self.gateway.context.viewer)

    async def sell(self) -> None:
        amount, hold = self.choose.choice((1, 333, 1000)), self.choose.choice((0, 1, 15))
        approval = self.choose.choice(("auto", "auto", "manual"))
        sale = conversion_rows.sale(self.shop.customer, amount=10 * amount, occurred_at=self.now)
        earned = conversion_rows.commission(
            sale, self.shop.rule_id, amount=amount, approval=approval, hold_until=self.now + hold * DAY
        )
        self.sold.append({**earned, "left": 10 * amount, "refunded": 0})
        async with self.gateway.store.write() as connection:
            await connection.execute(insert(Sale).values(sale))
            await connection.execute(insert(Commission).values(earned))
            await _add_earnings(connection, amount)

    async def refund(self) -> None:
        """Refund a part of a sale, as the recorder does: with the share of the commission that is not booked yet."""
        able = [each for each in self.sold if each["left"]]
        if not able:
            return
        earned = self.choose.choice(able)
        amount = self.choose.choice((earned["left"], max(1, earned["left"] // 3)))
        earned["left"] -= amount
        earned["refunded"] += amount
        whole = 10 * earned["amount"]
        clawed_back = (2 * earned["amount"] * earned["refunded"] + whole) // (2 * whole)
        clawback = 0 if earned["status"] == "rejected" else clawed_back - earned["clawed_back"]
        earned["clawed_back"] += clawback
        made = conversion_rows.refund(
            {**earned, "id": earned["sale_id"]},
            earned["id"],
            amount=amount,
            clawback=clawback,
            created_at=self.now,
        )
        changes: dict[str, Any] = {"clawed_back": Commission.clawed_back + clawback}
        if earned["status"] in ("pending", "approved") and earned["clawed_back"] == earned["amount"]:
            earned["status"] = changes["status"] = "reversed"
        async with self.gateway.store.write() as connection:
            await connection.execute(insert(Refund).values(made))
            await connection.execute(update(Commission).where(Commission.id == earned["id"]).values(changes))
            await _add_earnings(connection, -clawback)

    async def approve(self) -> None:
        if self.sold:
            earned = self.choose.choice(self.sold)
            try:
                await commissions.approve(self.context, self.shop.program_id, [earned["id"]])
            except CommissionSettled:
                assert earned["status"] in ("rejected", "reversed", "paid")
            else:
                assert earned["status"] in ("pending", "approved")
                earned["status"] = "approved" if self.is_pending(earned) else earned["status"]

    async def reject(self) -> None:
        if self.sold:
            earned = self.choose.choice(self.sold)
            try:
                await commissions.reject(self.context, self.shop.program_id, [earned["id"]], "A test order")
            except CommissionSettled:
                assert earned["status"] in ("rejected", "reversed", "paid")
            else:
                assert earned["status"] in ("pending", "approved")
                earned["status"] = "rejected"

    async def pay(self) -> None:
        balance = await self.balance()
        try:
            paid = await payouts.record(
                self.context, NewPayout(self.shop.program_id, self.shop.partner_id, self.choose.choice(("usd", "USD")))
            )
        except NothingToPay:
            assert balance <= 0
            return
        assert paid["amount"] == balance > 0, "the balance is what the next payout pays"
        self.paid += paid["amount"]
        for earned in self.sold:
            if self.is_approved(earned):
                earned["status"] = "paid"

    async def wait(self) -> None:
        self.now += self.choose.choice((1, 5, 20)) * DAY

    def is_pending(self, earned: dict[str, Any]) -> bool:
        return bool(earned["status"] == "pending") and not self.is_approved(earned)

    def is_approved(self, earned: dict[str, Any]) -> bool:
        is_over = earned["approval"] == "auto" and earned["hold_until"] <= self.now
        return bool(earned["status"] == "approved" or (earned["status"] == "pending" and is_over))

    async def balance(self) -> int:
        return (await self.sums())["balance"]

    async def sums(self) -> dict[str, int]:
        """Return the partner's sums in US dollars, at the ledger's time."""
        return await conversion_rows.member_sums(self.context, self.shop)

    async def check(self) -> None:
        """Check that the books balance."""
        sums = await self.sums()
        counted = [each for each in self.sold if each["status"] != "rejected"]
        approved = [each for each in counted if each["status"] == "paid" or self.is_approved(each)]
        due = sum(each["amount"] - each["clawed_back"] for each in approved)
        assert self.paid + sums["balance"] == due
        assert sums["paid"] == self.paid
        pending = [each for each in self.sold if self.is_pending(each)]
        assert sums["pending"] == sum(each["amount"] - each["clawed_back"] for each in pending)
        assert sums["earnings"] == sum(each["amount"] - each["clawed_back"] for each in counted)
        recorded = sum(row["amount"] for row in await self.gateway.rows(Payout))
        assert recorded == self.paid
        for row in await self.gateway.rows(Commission):
            assert (row["payout_id"] is not None) is (row["status"] == "paid")


async def _add_earnings(connection: Any, amount: int) -> None:
    await connection.execute(update(ConversionSum).values(earnings=ConversionSum.earnings + amount))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_any_sequence_of_events_pays_each_cent_once(gateway: Gateway, seed: int) -> None:
    choose = random.Random(seed)
    ledger = Ledger(gateway, await make_shop(gateway), choose)
    steps = [ledger.sell] * 4 + [ledger.refund] * 3 + [ledger.wait] * 2 + [ledger.approve, ledger.reject, ledger.pay]
    for number in range(80):
        await choose.choice(steps)()
        if number % 8 == 0:
            await ledger.check()
    ledger.now += 30 * DAY
    await ledger.pay()
    await ledger.check()


async def test_payouts_at_once_pay_each_commission_once(gateway: Gateway) -> None:
    shop = await make_shop(gateway)
    ledger = Ledger(gateway, shop, random.Random(7))
    for _ in range(20):
        await ledger.sell()
    ledger.now += 30 * DAY
    due = await ledger.balance()
    new = NewPayout(shop.program_id, shop.partner_id, "USD")
    found = await asyncio.gather(*(payouts.record(ledger.context, new) for _ in range(5)), return_exceptions=True)
    amounts = [each["amount"] for each in found if isinstance(each, dict)]
    assert sum(amounts) == due == sum(row["amount"] for row in await gateway.rows(Payout))
    assert {type(each) for each in found} == {dict, NothingToPay}
    assert await ledger.balance() == 0


async def test_a_payout_covers_what_was_approved_and_refunded_up_to_its_time(gateway: Gateway) -> None:
    shop, token = await make_shop(gateway), await gateway.token()
    early, late = conversion_rows.sale(shop.customer), conversion_rows.sale(shop.customer, occurred_at=NOW + 10 * DAY)
    earned = [conversion_rows.commission(each, shop.rule_id, hold_until=each["occurred_at"]) for each in (early, late)]
    refunds = [
        conversion_rows.refund(early, earned[0]["id"], clawback=10 * number, created_at=NOW + number * DAY)
        for number in (1, 20)
    ]
    earned[0]["clawed_back"] = 210
    await conversion_rows.insert_conversions(gateway.store, {Sale: [early, late], Commission: earned, Refund: refunds})
    input = {"programId": encode_id("Program", shop.program_id), "partnerId": encode_id("Partner", shop.partner_id)}
    paid = await changed(
        gateway, "recordPayout", token, **input, currency="usd", upTo=(NOW + 5 * DAY).isoformat(), note="March"
    )
    assert paid["payout"]["amount"] == {"amount": 990, "currency": "USD", "formatted": "9.90 USD"}
    assert [each["id"] for each in paid["payout"]["commissions"]["nodes"]] == [
        encode_id("Commission", shop.program_id, earned[0]["id"])
    ]
    rest = await changed(gateway, "recordPayout", token, **input, currency="USD")
    assert rest["payout"]["amount"]["amount"] == 1000 - 200
    assert await refusal(gateway, "recordPayout", token, **input, currency="USD") == (None, "nothing_to_pay")
    assert await refusal(gateway, "recordPayout", token, **input, currency="EUR") == (None, "nothing_to_pay")


@pytest.mark.slow
async def test_a_payout_up_to_a_time_in_the_future_pays_what_is_approved_by_now(gateway: Gateway) -> None:
    shop, token = await make_shop(gateway), await gateway.token()
    now = datetime.now(UTC)
    sold = [conversion_rows.sale(shop.customer) for _ in range(2)]
    earned = [
        conversion_rows.commission(each, shop.rule_id, hold_until=now + days * DAY)
        for each, days in zip(sold, (-1, 1), strict=True)
    ]
    await conversion_rows.insert_conversions(gateway.store, {Sale: sold, Commission: earned})
    input = {"programId": encode_id("Program", shop.program_id), "partnerId": encode_id("Partner", shop.partner_id)}
    up_to = (now + 2 * DAY).isoformat()
    paid = (await changed(gateway, "recordPayout", token, **input, currency="USD", upTo=up_to))["payout"]
    assert paid["amount"]["amount"] == earned[0]["amount"]
    assert now <= datetime.fromisoformat(paid["upTo"]) <= datetime.now(UTC)
    assert [row["status"] for row in await gateway.rows(Commission)] == ["paid", "pending"]


@pytest.mark.slow
async def test_refunds_of_paid_commissions_make_the_balance_negative(gateway: Gateway) -> None:
    shop, token = await make_shop(gateway), await gateway.token()
    sold = conversion_rows.sale(shop.customer)
    earned = conversion_rows.commission(sold, shop.rule_id, status="approved", approved_at=NOW)
    await conversion_rows.insert_conversions(gateway.store, {Sale: [sold], Commission: [earned]})
    input = {"programId": encode_id("Program", shop.program_id), "partnerId": encode_id("Partner", shop.partner_id)}
    await changed(gateway, "recordPayout", token, **input, currency="USD")
    back = conversion_rows.refund(sold, earned["id"], clawback=1000, status="reversed")
    await conversion_rows.insert_conversions(gateway.store, {Refund: [back]})
    member = encode_id("PartnerProgram", shop.program_id, shop.partner_id)
    answer = await gateway.graphql(BALANCE, {"id": member}, token=token)
    assert answer["data"]["node"]["balance"] == [{"amount": -1000, "currency": "USD", "formatted": "-10.00 USD"}]
    assert await refusal(gateway, "recordPayout", token, **input, currency="USD") == (None, "nothing_to_pay")
    async with gateway.store.read() as connection:
        assert await connection.scalar(select(Refund.payout_id)) is None
