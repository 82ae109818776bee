"""Reads the rows that a batch of conversions depends on, in bulk, and locks those that it may change.

Customers come first, then sales, then commissions, each in the order of their keys.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Dialect

from db.engine.backend.protocol import WriteConnection
from db.ingest.conversions.attribution import AttributedClick
from db.ingest.conversions.commissions import Rule
from db.ingest.conversions.identification import candidates, click_ids_of, customer_of, id_in, program_of
from db.ingest.conversions.pending_conversions import PendingConversion
from db.ingest.conversions.records import LeadRecorded, NewLead, NewRefund, NewSale, RefundRecorded, SaleRecorded
from db.ingest.conversions.state import (
    CommissionState,
    ConversionState,
    CustomerState,
    LeadState,
    ProgramTerms,
    RuleKey,
    SaleState,
)
from db.ingest.conversions.statements import ConversionQueries
from db.ingest.id_blocks import COMMISSIONS
from db.schema.columns import EPOCH

Record: TypeAlias = NewLead | NewSale | NewRefund
SALE, LEAD = "sale", "lead"
"""The events that rules are for."""


class ConversionReader:
    """Fills a `ConversionState` from the database."""

    def __init__(self, dialect: Dialect) -> None:
        self._queries = ConversionQueries(dialect)

    async def read(self, connection: WriteConnection, records: Sequence[Record]) -> ConversionState:
        """Read and lock the rows that records depend on, in the open transaction."""
        state = ConversionState()
        of_customers = [record for record in records if not isinstance(record, NewRefund)]
        anonymous = [record for record in of_customers if record.program_id is None]
        await self._find_owners(connection, state, anonymous)
        await self._read_customers(connection, state, of_customers)
        strangers = [record for record in of_customers if _is_stranger(state, record)]
        await self._find_owners(connection, state, strangers)
        await self._read_sales(connection, state, records)
        found = ((record, customer_of(state, record)) for record in of_customers)
        await self.complete(connection, state, [(one, who) for one, who in found if isinstance(who, CustomerState)])
        return state

    async def complete(
        self, connection: WriteConnection, state: ConversionState, conversions: Sequence[tuple[Record, CustomerState]]
    ) -> None:
        """Read the leads, rules and first commissions that conversions of known customers depend on, unless they were
        read before."""
        leads = [(customer, one.event_name) for one, customer in conversions if isinstance(one, NewLead)]
        sales = [(customer, one.product_id) for one, customer in conversions if isinstance(one, NewSale)]
        await self._read_leads(connection, state, leads)
        unproved = [who for one, who in conversions if isinstance(one, NewLead) and state.is_provisional(one, who)]
        await self._read_provisional(connection, state, [*(customer for customer, _ in sales), *unproved])
        wanted: set[RuleKey] = set()
        for customer, product_id in sales:
            wanted |= _rule_keys(customer, SALE, product_id)
            if state.provisional[customer.key]:
                wanted |= _rule_keys(customer, LEAD, None)
        for customer, _ in leads:
            wanted |= _rule_keys(customer, LEAD, None)
        await self._read_rules(connection, state, wanted)
        await self._read_first_commissions(connection, state, [customer for _, customer in conversions])

    async def find_recorded(self, connection: WriteConnection, entries: Sequence[PendingConversion]) -> None:
        """Set the outcomes of conversions that are recorded under their ids already."""
        leads = {one.id: one for one in entries if isinstance(one.record, NewLead)}
        for id, was_provisional in await _fetch(connection, self._queries.recorded_lead, sorted((id,) for id in leads)):
            leads[id].outcome = LeadRecorded(id, is_provisional=bool(was_provisional))
        sales = {(one.record.program_id, one.id): one for one in entries if isinstance(one.record, NewSale)}
        refunds = {(one.record.program_id, one.id): one for one in entries if isinstance(one.record, NewRefund)}
        queries = self._queries
        found = await _fetch(connection, queries.recorded_sale, sorted(sales))
        refunded = await _fetch(connection, queries.recorded_refund, sorted(refunds))
        of_sales = sorted({*found, *((row[0], row[1]) for row in refunded)})
        commissions = {row[:2]: row for row in await _fetch(connection, queries.commission, of_sales)}
        for key in found:
            commission = commissions.get(key)
            sales[key].outcome = SaleRecorded(key[1], None if commission is None else commission[2])
        for program_id, sale_id, _, id, status, clawback, currency, commission_id in refunded:
            commission = commissions.get((program_id, sale_id))
            currency = currency if commission is None else commission[4]
            refunds[program_id, id].outcome = RefundRecorded(status, clawback, currency, commission_id)

    async def number(self, connection: WriteConnection, commissions: Sequence[CommissionState]) -> None:
        """Reserve ids for the commissions that have none yet: those of the provisional leads that a sale confirmed,
        whose number was unknown before."""
        if unnumbered := [commission for commission in commissions if not commission.id]:
            ((end,),) = await connection.fetch(self._queries.more_ids, [(COMMISSIONS, len(unnumbered))])
            for id, commission in enumerate(unnumbered, end - len(unnumbered)):
                commission.id = id

    async def _find_owners(
        self, connection: WriteConnection, state: ConversionState, records: Iterable[Record]
    ) -> None:
        ids = {click_id: id_in(click_id) for record in records for click_id in click_ids_of(record)}
        keys = sorted((click_id, id) for click_id, id in ids.items() if id is not None)
        for click_id, program_id, id in await _fetch(connection, self._queries.owner, keys):
            state.owners[click_id] = program_id, id

    async def _read_customers(
        self, connection: WriteConnection, state: ConversionState, records: Sequence[NewLead | NewSale]
    ) -> None:
        programs = {program_id for one in records if (program_id := program_of(state, one)) is not None}
        for id, *terms in await _fetch(connection, self._queries.program, sorted((id,) for id in programs)):
            state.programs[id] = ProgramTerms(*terms)
        keys = {(program_of(state, one), one.customer_key) for one in records if one.customer_key is not None}
        known = sorted((program_id, key) for program_id, key in keys if program_id is not None)
        ids = set(await _fetch(connection, self._queries.customer_of_key, known))
        ids |= {key for record in records for key in candidates(state, record)}
        for row in await _fetch(connection, self._queries.customer, sorted(ids)):
            values: list[Any] = list(row)
            values[9], values[11:] = _at(row[9]), map(_at, row[11:])
            state.add(CustomerState(*values))
        await self._read_clicks(connection, state.customers.values())

    async def _read_clicks(self, connection: WriteConnection, customers: Iterable[CustomerState]) -> None:
        """Set the click that each customer's conversions are attributed to."""
        unbound = sorted(customer.key for customer in customers if customer.bound_event_id is None)
        bound = {
            (customer.program_id, customer.bound_event_id): customer
            for customer in customers
            if customer.bound_event_id is not None
        }
        latest = {row[:2]: row for row in await _fetch(connection, self._queries.latest_click, unbound)}
        binding = {(row[0], row[2]): row for row in await _fetch(connection, self._queries.click, sorted(bound))}
        for customer in customers:
            event_id = customer.bound_event_id
            row = latest.get(customer.key) if event_id is None else binding.get((customer.program_id, event_id))
            if row is not None:
                customer.click = AttributedClick(row[2], row[3], row[4], _moment(row[5]))

    async def _read_sales(self, connection: WriteConnection, state: ConversionState, records: Iterable[Record]) -> None:
        named = [record for record in records if not isinstance(record, NewLead)]
        keys = sorted({(record.program_id, record.transaction_id) for record in named})
        sales = [SaleState(*row) for row in await _fetch(connection, self._queries.sale, keys)]
        state.sales = {(sale.program_id, sale.transaction_id): sale for sale in sales}
        by_id = {(sale.program_id, sale.id): sale for sale in sales}
        for program_id, sale_id, *fields in await _fetch(connection, self._queries.commission, sorted(by_id)):
            by_id[program_id, sale_id].commission = CommissionState(program_id, *fields)
        refunds = {
            (sale.program_id, sale.id, record.refund_id)
            for record in named
            if isinstance(record, NewRefund) and record.refund_id is not None
            if (sale := state.sales.get((record.program_id, record.transaction_id))) is not None
        }
        for row in await _fetch(connection, self._queries.refund, sorted(refunds)):
            program_id, sale_id, refund_id, _, status, clawback, currency, commission_id = row
            commission = by_id[program_id, sale_id].commission
            currency = currency if commission is None else commission.currency
            state.refunds[program_id, sale_id, refund_id] = RefundRecorded(status, clawback, currency, commission_id)

    async def _read_leads(
        self, connection: WriteConnection, state: ConversionState, leads: Iterable[tuple[CustomerState, str]]
    ) -> None:
        keys = {(*customer.key, name) for customer, name in leads} - state.leads.keys()
        state.leads |= dict.fromkeys(keys)
        for program_id, customer_id, name, id, is_provisional in await _fetch(
            connection, self._queries.lead, sorted(keys)
        ):
            lead = LeadState(program_id, id, customer_id, name, bool(is_provisional))
            state.leads[program_id, customer_id, name] = lead

    async def _read_provisional(
        self, connection: WriteConnection, state: ConversionState, customers: Iterable[CustomerState]
    ) -> None:
        keys = {customer.key for customer in customers} - state.provisional_read
        state.provisional_read |= keys
        for key in keys:
            state.provisional.setdefault(key, [])
        for program_id, customer_id, name, id in await _fetch(connection, self._queries.provisional, sorted(keys)):
            lead = state.leads.get((program_id, customer_id, name))
            if lead is None:
                lead = LeadState(program_id, id, customer_id, name, is_provisional=True)
                state.leads[program_id, customer_id, name] = lead
            state.provisional[program_id, customer_id].append(lead)

    async def _read_rules(self, connection: WriteConnection, state: ConversionState, keys: set[RuleKey]) -> None:
        missing = sorted(keys - state.rules.keys(), key=lambda key: (*key[:3], key[3] or ""))
        rules: dict[RuleKey, list[Rule]] = {key: [] for key in missing}
        for row in await _fetch(connection, self._queries.rules, missing):
            values: list[Any] = [*row[4:13], _moment(row[13]), _at(row[14])]
            rules[row[:4]].append(Rule(*values))
        state.rules |= rules

    async def _read_first_commissions(
        self, connection: WriteConnection, state: ConversionState, customers: Iterable[CustomerState]
    ) -> None:
        """Read when customers earned their first commission, if a rule asks for it."""
        missing = {customer.key for customer in customers} - state.first_commissions.keys()
        if missing and any(rule.duration_months for rules in state.rules.values() for rule in rules):
            for program_id, id, at in await _fetch(connection, self._queries.first_commission, sorted(missing)):
                state.first_commissions[program_id, id] = _at(at)


def _is_stranger(state: ConversionState, record: NewLead | NewSale) -> bool:
    """Return whether the click ids of a lead with a token still have to be looked up in other programs."""
    return (
        isinstance(record, NewLead)
        and record.program_id is not None
        and (record.customer_key is None or (record.program_id, record.customer_key) not in state.by_key)
        and any(click_id not in state.by_click_id for click_id in record.click_ids)
    )


def _rule_keys(customer: CustomerState, event: str, product_id: str | None) -> set[RuleKey]:
    return set() if customer.click is None else {(customer.program_id, event, customer.click.partner_id, product_id)}


async def _fetch(connection: WriteConnection, statement: Any, keys: Sequence[Any]) -> Sequence[Any]:
    return await connection.fetch(statement, keys) if keys else ()


def _at(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _moment(microseconds)


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
