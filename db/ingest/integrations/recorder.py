"""Runs the self-test of an integration: click, lead, sale and refund through the recorders of real ones.

A chain has a partner and a link of its own, and all that it records is rolled back to a savepoint once the verdicts are
known. So no counter, report, list, consumer of the outbox, payout or audit can ever count it. Only the verdicts are
committed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect

from db.engine.backend.protocol import WriteConnection
from db.ingest.clicks.recorder import ClickRecorder
from db.ingest.conversions.recorder import ConversionRecorder
from db.ingest.integrations.chain import SAVEPOINT, Chain
from db.ingest.integrations.records import ChainLimit, ChainOutcome, ChainRun, ChainVerdict, NewChain, Verdict
from db.ingest.integrations.statements import CHAINS_AN_HOUR, HOUR, LOCK_PROGRAM, RECENT, ChainStatements
from db.ingest.recordable import ShiftIds, TakeIds
from db.sql.batch_statements import StatementRows


@dataclass(slots=True)
class PendingChain:
    """A chain in a batch, and its outcome."""

    chain: NewChain
    outcome: ChainOutcome | Exception | None = None


class ChainRecorder:
    """The `Recorder` of self-tests on one database, which uses those of clicks and of conversions."""

    records = (NewChain,)
    needs_transaction = True

    def __init__(self, dialect: Dialect, clicks: ClickRecorder, conversions: ConversionRecorder) -> None:
        self._clicks = clicks
        self._conversions = conversions
        self._statements = ChainStatements(dialect)

    def needed_ids(self, records: Sequence[NewChain]) -> Mapping[str, int]:
        """Return that no ids are reserved: a chain's are given back."""
        return {}

    def numbers(self, records: Sequence[NewChain], take: TakeIds) -> Sequence[Any]:
        return [None] * len(records)

    def pending(self, records: Sequence[NewChain], numbers: Sequence[Any]) -> Sequence[PendingChain]:
        return [PendingChain(record) for record in records]

    async def find_committed(self, connection: WriteConnection, entries: Sequence[PendingChain]) -> None:
        keys = [(entry.chain.program_id, entry.chain.customer_key) for entry in entries]
        found = {tuple(row[:2]): row[2:] for row in await connection.fetch(self._statements.find_chain, keys)}
        for entry, key in zip(entries, keys, strict=True):
            if key in found:
                short_code, *verdicts = found[key]
                entry.outcome = ChainRun(short_code, key[1], ChainVerdict(*map(Verdict, verdicts)))

    async def write(
        self, connection: WriteConnection, entries: Sequence[PendingChain], *, one_by_one: bool
    ) -> Sequence[StatementRows]:
        for entry in entries:
            if entry.outcome is None:
                entry.outcome = await self._run(connection, entry.chain)
        return ()

    async def _run(self, connection: WriteConnection, chain: NewChain) -> ChainOutcome:
        hour_ago = chain.received_at - HOUR
        values = {"program": chain.program_id, "hour_ago": hour_ago}
        await connection.read(LOCK_PROGRAM, values)
        recent = [at for (at,) in await connection.read(RECENT, values)]
        if len(recent) == CHAINS_AN_HOUR:
            return ChainLimit(max(1, math.ceil((recent[-1] - hour_ago).total_seconds())))
        await connection.command(f"SAVEPOINT {SAVEPOINT}")
        verdict = await Chain(connection, self._clicks, self._conversions, self._statements, chain).run()
        await connection.command(f"ROLLBACK TO SAVEPOINT {SAVEPOINT}")
        names = (chain.program_id, chain.customer_key, chain.short_code)
        row = (*names, verdict.click.value, verdict.lead.value, verdict.sale.value, chain.received_at)
        await connection.execute((self._statements.forget_chains, [(chain.program_id, hour_ago)]))
        await connection.execute((self._statements.add_chain, [row]))
        return ChainRun(chain.short_code, chain.customer_key, verdict)

    async def probe(self, connection: WriteConnection, shift: ShiftIds) -> None:
        """Do nothing: the other recorders try all that a chain records."""
