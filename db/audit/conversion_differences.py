"""The differences between conversions and the counters, sums and statuses derived from them."""

from collections.abc import AsyncIterator, Iterator

from sqlalchemy.ext.asyncio import AsyncConnection

from db.audit import commissions, conversions
from db.audit.differences import Difference, first_rows
from db.engine.backend.protocol import Source
from db.rollups.audit import readable_moment


async def conversion_differences(connection: AsyncConnection, source: Source) -> AsyncIterator[Difference]:
    """Yield what differs from leads, sales and refunds: counters, sums, commissions and customers. `source` reads in
    the connection's transaction."""
    for part in (_counters, _sums, _refunds, _customers, _bookings):
        async for difference in part(source):
            yield difference
    async for difference in _commissions(connection):
        yield difference


async def _counters(source: Source) -> AsyncIterator[Difference]:
    for code, *row in await first_rows(source, conversions.links):
        for difference in _counted(f"link {code}", *row):
            yield difference
    for program_id, partner_id, *row in await first_rows(source, conversions.memberships):
        for difference in _counted(f"program {program_id}, partner {partner_id}", *row):
            yield difference


def _counted(name: str, leads: int, lead_events: int, sales: int, sale_events: int) -> Iterator[Difference]:
    if leads != lead_events:
        yield Difference(f"{name}, leads", leads, lead_events)
    if sales != sale_events:
        yield Difference(f"{name}, sales", sales, sale_events)


async def _sums(source: Source) -> AsyncIterator[Difference]:
    for *place, kept, revenue, earned, earnings in await first_rows(source, conversions.sums):
        name = "program {}, partner {}, link {}, {}".format(*place)
        if kept != revenue:
            yield Difference(f"{name}, revenue", kept, revenue)
        if earned != earnings:
            yield Difference(f"{name}, earnings", earned, earnings)


async def _refunds(source: Source) -> AsyncIterator[Difference]:
    for program_id, id, kept, refunded in await first_rows(source, conversions.refunded_sales):
        yield Difference(f"sale {id} of program {program_id}, refunds", kept, refunded)
    for program_id, id, kept, taken in await first_rows(source, conversions.clawbacks):
        yield Difference(f"commission {id} of program {program_id}, clawbacks", kept, taken)


async def _customers(source: Source) -> AsyncIterator[Difference]:
    for program_id, id, wrong_status, bound_by_another in await first_rows(source, conversions.customers):
        name = f"customer {id} of program {program_id}"
        if wrong_status:
            yield Difference(f"{name}, status by its leads and sales", 1, 0)
        if bound_by_another:
            yield Difference(f"{name}, click that bound it", 1, 0)


async def _commissions(connection: AsyncConnection) -> AsyncIterator[Difference]:
    async with connection.stream(commissions.commissions()) as rows:
        async for row in rows:
            for what, kept, expected in commissions.faults(row):
                yield Difference(f"commission {row.id} of program {row.program_id}, {what}", kept, expected)


async def _bookings(source: Source) -> AsyncIterator[Difference]:
    for program_id, event_id, currency, at, *sums in await first_rows(source, conversions.bookings):
        name = f"program {program_id}, bookings for click event {event_id} at {readable_moment(at)}"
        for counter, booked, events in zip(conversions.BOOKED, sums[::2], sums[1::2], strict=True):
            if booked != events:
                yield Difference(f"{name}, {counter}{currency and f' in {currency}'}", booked, events)
