"""One run of the self-test in an open transaction: its steps, and what the database has of each."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from db.engine.backend.protocol import WriteConnection
from db.ingest.clicks.pending_clicks import PendingClick
from db.ingest.clicks.recorder import ClickRecorder
from db.ingest.clicks.records import Click, Receipt
from db.ingest.conversions.pending_conversions import PendingConversion
from db.ingest.conversions.recorder import ConversionRecorder
from db.ingest.conversions.records import LeadRecorded, NewLead, NewRefund, NewSale, RefundRecorded, SaleRecorded
from db.ingest.id_blocks import COMMISSIONS, CUSTOMERS, EVENTS, LEADS, REFUNDS, SALES
from db.ingest.integrations.records import ChainVerdict, NewChain, Verdict
from db.ingest.integrations.statements import (
    COMMISSION_PARTNER,
    CUSTOMER_PARTNER,
    LEAD_PARTNER,
    PAYING_RULE,
    ChainStatements,
)
from db.ingest.recordable import PROBE_URL
from db.sql.compiled_queries import CompiledQuery

SAVEPOINT = "test_chain"
PARTNER_NAME = "Integration test"
# Even a rate of one basis point grants something for it.
AMOUNT = 10_000
# In the order in which other transactions lock the blocks.
NEEDED: Mapping[str, int] = {EVENTS: 1, COMMISSIONS: 2, CUSTOMERS: 1, LEADS: 1, REFUNDS: 1, SALES: 1}


class Terms(NamedTuple):
    """The partner that a chain runs for, and the product that it sells."""

    partner_id: int
    product_id: str | None


class Chain(NamedTuple):
    """A run. Its link has the negative program's id, which no real row has, and so has its partner, unless all rules
    that grant anything name partners: then it runs for one of these. If all name products, it sells one of these.
    Everything that it does has to be rolled back."""

    connection: WriteConnection
    clicks: ClickRecorder
    conversions: ConversionRecorder
    statements: ChainStatements
    chain: NewChain

    async def run(self) -> ChainVerdict:
        """Record click, lead, sale and refund; return the verdicts. Raises what the driver does."""
        ids, terms = await self._ids(), await self._terms()
        await self._add_link(terms.partner_id)
        click = PendingClick(self._click(terms.partner_id), ids[EVENTS], ids[CUSTOMERS])
        await self.connection.execute(*await self.clicks.write(self.connection, [click], one_by_one=False))
        clicked = await self._attributed(CUSTOMER_PARTNER, click.customer_id, terms)
        click_id = click.outcome.click_id if isinstance(click.outcome, Receipt) else ""
        lead = await self._record(self._lead(click_id), ids[LEADS], ids[COMMISSIONS])
        sale = await self._record(self._sale(click_id, terms.product_id), ids[SALES], ids[COMMISSIONS] + 1)
        verdict = ChainVerdict(clicked, await self._lead_verdict(lead, terms), await self._sale_verdict(sale, terms))
        if isinstance(sale, SaleRecorded):
            refund = await self._record(self._refund(), ids[REFUNDS], 0)
            expected = "no_commission" if sale.commission_id is None else "reversed"
            if not isinstance(refund, RefundRecorded) or refund.status != expected:
                raise RuntimeError(f"the refund of a test sale should have been {expected}, but is {refund}")
        return verdict

    async def _ids(self) -> Mapping[str, int]:
        """Return the first id of each block, whose row stays locked, so that no real row gets the same meanwhile."""
        first: dict[str, int] = {}
        for block, size in NEEDED.items():
            ((end,),) = await self.connection.fetch(self.statements.take, [(block, size)])
            first[block] = end - size
        return first

    async def _terms(self) -> Terms:
        program_id, at = self.chain.program_id, self.chain.received_at
        for partner_id, product_id in await self.connection.read(PAYING_RULE, {"program": program_id, "at": at}):
            return Terms(-program_id if partner_id is None else partner_id, product_id)
        return Terms(-program_id, None)

    async def _add_link(self, partner_id: int) -> None:
        program_id, at = self.chain.program_id, self.chain.received_at
        statements, own = self.statements, -program_id
        if partner_id == own:
            await self.connection.execute((statements.add_partner, [(own, PARTNER_NAME, at)]))
            await self.connection.execute((statements.add_membership, [(program_id, own, at)]))
        await self.connection.execute((statements.add_link, [(own, self.chain.short_code, program_id, partner_id, at)]))

    async def _record(self, record: NewLead | NewSale | NewRefund, id: int, commission_id: int) -> Any:
        entry = PendingConversion(record, id, commission_id)
        await self.connection.execute(*await self.conversions.work(self.connection, [entry]))
        return entry.outcome

    def _click(self, partner_id: int) -> Click:
        chain = self.chain
        url = f"{PROBE_URL}?aff={chain.short_code}"
        return Click(chain.received_at, chain.program_id, -chain.program_id, partner_id, url, chain.visit)

    def _lead(self, click_id: str) -> NewLead:
        chain = self.chain
        return NewLead(chain.received_at, chain.program_id, (click_id,), "signup", chain.customer_key)

    def _sale(self, click_id: str, product_id: str | None) -> NewSale:
        chain, key = self.chain, self.chain.customer_key
        sold = NewSale(chain.received_at, chain.program_id, key, AMOUNT, customer_key=key, click_id=click_id)
        return replace(sold, product_id=product_id)

    def _refund(self) -> NewRefund:
        return NewRefund(self.chain.received_at, self.chain.program_id, self.chain.customer_key)

    async def _attributed(self, query: CompiledQuery, row: int, terms: Terms) -> Verdict:
        """Return whether a recorded row, by its id, is of the chain's partner."""
        for (partner_id,) in await self.connection.read(query, {"program": self.chain.program_id, "row": row}):
            if partner_id is not None:
                return Verdict.ATTRIBUTED if partner_id == terms.partner_id else Verdict.WRONG_PARTNER
        return Verdict.UNATTRIBUTED

    async def _lead_verdict(self, lead: Any, terms: Terms) -> Verdict:
        if not isinstance(lead, LeadRecorded):
            return Verdict.UNATTRIBUTED
        return Verdict.PENDING if lead.is_provisional else await self._attributed(LEAD_PARTNER, lead.lead_id, terms)

    async def _sale_verdict(self, sale: Any, terms: Terms) -> Verdict:
        if not isinstance(sale, SaleRecorded) or sale.commission_id is None:
            return Verdict.UNATTRIBUTED
        return await self._attributed(COMMISSION_PARTNER, sale.commission_id, terms)
