"""A database with two programs, in which conversions are recorded through a committer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import DeclarativeBase

from db.audit.report import audit
from db.engine.store import Store
from db.ingest.clicks.records import Click, Receipt, VisitRecord
from db.ingest.committer import Committer
from db.ingest.conversions.records import NewLead, NewRefund, NewSale
from db.schema.commissions import CommissionRule
from db.schema.customers import Customer
from db.schema.links import ReferralLink
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program
from tests.support.committers import make_committer

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
# By id: the program and the partner of a link.
LINKS = {1: (1, 1), 2: (1, 2), 3: (2, 1)}


@dataclass(slots=True)
class ConversionWorld:
    """Programs 1 (of partners 1 and 2) and 2 (of partner 1), with a link of each partner in each."""

    store: Store
    committer: Committer

    @classmethod
    async def make(cls, url: str) -> "ConversionWorld":
        store = Store(url)
        async with store.write() as connection:
            await connection.execute(insert(Program), [{"id": id, "name": f"Program {id}"} for id in (1, 2)])
            await connection.execute(insert(Partner), [{"id": id, "name": f"Partner {id}"} for id in (1, 2)])
            members = [{"program_id": program, "partner_id": partner} for program, partner in LINKS.values()]
            await connection.execute(insert(PartnerProgram), members)
            links = [{"id": id, "code": f"L{id}", **member} for id, member in zip(LINKS, members, strict=True)]
            await connection.execute(insert(ReferralLink), links)
        return cls(store, make_committer(store))

    async def close(self) -> None:
        await self.committer.disconnect()
        await self.store.close()

    async def commit(self, *records: Any) -> Sequence[Any]:
        return await self.committer.commit(records)

    async def one(self, record: Any) -> Any:
        (outcome,) = await self.committer.commit([record])
        return outcome

    async def click(self, link_id: int = 1, *, at: datetime = NOW - DAY, click_id: str | None = None) -> str:
        """Record a click; return the customer's click id."""
        program_id, partner_id = LINKS[link_id]
        visit = VisitRecord(existing_click_id=click_id)
        receipt = await self.one(Click(at, program_id, link_id, partner_id, "https://shop.example/", visit))
        assert isinstance(receipt, Receipt)
        return receipt.click_id

    async def rule(self, **fields: Any) -> int:
        values: dict[str, Any] = {
            "program_id": 1,
            "event": "sale",
            "kind": "percent",
            "basis_points": 2000,
            "effective_from": NOW - 100 * DAY,
        }
        if fields.get("kind") == "fixed":
            values |= {"basis_points": None, "currency": "USD"}
        async with self.store.write() as connection:
            made = insert(CommissionRule).values(values | fields).returning(CommissionRule.id)
            return await connection.scalar(made) or 0

    async def rows(self, table: type[DeclarativeBase]) -> Sequence[Any]:
        async with self.store.read() as connection:
            columns = table.__table__.columns
            return (await connection.execute(select(*columns).order_by(*table.__table__.primary_key))).all()

    async def customer(self, click_id: str) -> Any:
        async with self.store.read() as connection:
            return (await connection.execute(select(Customer.__table__).where(Customer.click_id == click_id))).one()

    async def differences(self) -> list[str]:
        return [f"{one.counter}: {one.counted} / {one.events}" for one in (await audit(self.store)).differences]


def lead(*click_ids: str, program_id: int | None = 1, at: datetime = NOW, **fields: Any) -> NewLead:
    values: dict[str, Any] = {"event_name": "signup"}
    return NewLead(at, program_id, click_ids, **values | fields)


def sale(transaction_id: str = "t1", amount: int = 1000, *, at: datetime = NOW, **fields: Any) -> NewSale:
    values: dict[str, Any] = {"program_id": 1, "transaction_id": transaction_id, "amount": amount}
    return NewSale(at, **values | fields)


def refund(
    transaction_id: str = "t1", amount: int | None = None, refund_id: str | None = None, *, program_id: int = 1
) -> NewRefund:
    return NewRefund(NOW + timedelta(hours=1), program_id, transaction_id, amount, None, refund_id)


async def counted(world: ConversionWorld) -> list[tuple[int, int]]:
    """Return the leads and sales of links 1 and 2."""
    return [(row.leads, row.sales) for row in await world.rows(ReferralLink) if row.id < 3]
