"""Finds the customer that a conversion names, without recording anything."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import bindparam, select

from db.engine.store import Store
from db.ingest.clicks.pending_clicks import CLICK_ID
from db.schema.customers import Customer
from db.schema.programs import Program
from db.sql.compiled_queries import CompiledQuery


class KnownCustomer(Struct, frozen=True, gc=False):
    """The parts of a customer by which a lead is refused."""

    program_id: int
    customer_status: str


BY_KEY = CompiledQuery(
    select(Customer.program_id, Customer.customer_status).where(
        Customer.program_id == bindparam("program_id"), Customer.customer_key == bindparam("customer_key")
    )
)
# Looks into each program by its primary key: an index of customers by id alone would cost every click.
_status = (
    select(Customer.customer_status)
    .where(
        Customer.program_id == Program.id,
        Customer.id == bindparam("id"),
        Customer.click_id == bindparam("click_id"),
    )
    .correlate_except(Customer)
    .scalar_subquery()
)
BY_CLICK_ID = CompiledQuery(select(Program.id, _status).where(_status.is_not(None)))


async def find_customer(
    store: Store, program_id: int | None, customer_key: str | None, click_ids: Sequence[str]
) -> KnownCustomer | None:
    """Return the customer with this key in the program, or else the first that a click id names. If there is no
    program, the key is looked up in the program of that customer. Raises `DatabaseUnavailable`."""
    if program_id is not None and (customer := await _by_key(store, program_id, customer_key)) is not None:
        return customer
    named = await _by_click_ids(store, click_ids)
    if named is not None and program_id is None:
        return await _by_key(store, named.program_id, customer_key) or named
    return named


async def _by_key(store: Store, program_id: int, customer_key: str | None) -> KnownCustomer | None:
    if customer_key is None:
        return None
    rows = await store.fetch(BY_KEY, {"program_id": program_id, "customer_key": customer_key})
    return next((KnownCustomer(*row) for row in rows), None)


async def _by_click_ids(store: Store, click_ids: Sequence[str]) -> KnownCustomer | None:
    for click_id in click_ids:
        if (match := CLICK_ID.fullmatch(click_id)) is not None:
            for row in await store.fetch(BY_CLICK_ID, {"id": int(match[1]), "click_id": click_id}):
                return KnownCustomer(*row)
    return None
