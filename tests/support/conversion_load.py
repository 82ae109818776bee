"""Clicks, leads, sales and refunds, many at a time, until the process is killed. As a program,
`python -m tests.support.conversion_load URL NAME` prints a line for each one that was acknowledged."""

import asyncio
import sys
from datetime import UTC, datetime
from itertools import count
from random import Random

from db.engine.store import Store
from db.ingest.clicks.records import Click, VisitRecord
from db.ingest.conversions.records import LeadRecorded, NewLead, NewRefund, NewSale, SaleRecorded
from db.ingest.writer import Writer
from gateway.metrics import WriterMetrics
from tests.support.committers import make_committer

VISITORS = 16


async def visit(writer: Writer, name: str, random: Random) -> None:
    """Click, sign up, buy and return some of it; print what was recorded."""
    click = Click(datetime.now(UTC), 1, 1, 1, "https://shop.example/", VisitRecord())
    receipt = await writer.record(click)
    print("click", receipt.click_id, flush=True)
    lead = await writer.record(NewLead(datetime.now(UTC), 1, (receipt.click_id,), "signup", f"u-{name}"))
    assert isinstance(lead, LeadRecorded)
    print("lead", lead.lead_id, flush=True)
    amount = random.randint(1, 100_000)
    sale = await writer.record(NewSale(datetime.now(UTC), 1, f"t-{name}", amount, customer_key=f"u-{name}"))
    assert isinstance(sale, SaleRecorded)
    print("sale", sale.sale_id, flush=True)
    for number in range(random.randint(0, 3)):
        part = random.randint(1, amount)
        await writer.record(NewRefund(datetime.now(UTC), 1, f"t-{name}", part, None, f"r{number}"))


async def load(url: str, name: str) -> None:
    store = Store(url)
    writer = Writer(make_committer(store), queue_size=1000, observer=WriterMetrics())
    writer.start()
    numbers, random = count(), Random(name)

    async def visit_forever() -> None:
        while True:
            await visit(writer, f"{name}-{next(numbers)}", random)

    await asyncio.gather(*(visit_forever() for _ in range(VISITORS)))


if __name__ == "__main__":
    asyncio.run(load(*sys.argv[1:]))
