"""Opens the segments of a report, and the events that are in none yet, in one snapshot and in the viewer's scope."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from db.engine.backend.protocol import Source
from db.errors import SegmentDamaged
from db.outbox.history import FIND_HISTORY
from db.segments.column_cache import ColumnCache
from db.segments.columns import DIMENSIONS, PROGRAM, SegmentSource
from db.segments.scan import Scan, SegmentFile
from graph.domain.errors import ReportTooLarge
from graph.reports import segment_statements as statements
from graph.reports.filters import ClickSelection


@dataclass(frozen=True, slots=True)
class SegmentReader:
    """Reads for one report from one snapshot. `values` are the parameters of the selection."""

    source: Source
    selection: ClickSelection
    values: Mapping[str, Any]
    cache: ColumnCache
    is_sqlite: bool

    async def open(self, source: SegmentSource, dimensions: Collection[str]) -> Scan:
        """Return the events of a source; of those in no segment yet, only these dimensions are read. Raises
        `SegmentDamaged`, `ReportTooLarge`."""

        async def read(files: Sequence[SegmentFile]) -> Sequence[bytes]:
            return [await self._data(source, file) for file in files]

        files = [
            SegmentFile(*row)
            for row in await self._fetch(statements.segments(self.selection, source.kind, is_sqlite=self.is_sqlite))
        ]
        self._check(files, await self._fetch(statements.totals(self.selection, source.kind, is_sqlite=self.is_sqlite)))
        return Scan(source, files, await self._others(source, dimensions), read, self.cache)

    def _check(self, files: Sequence[SegmentFile], totals: Sequence[tuple[int, int, int]]) -> None:
        found: Counter[int] = Counter()
        events: Counter[int] = Counter()
        for file in files:
            found[file.program_id] += 1
            events[file.program_id] += file.events
        expected = {program_id: tuple(counts) for program_id, *counts in totals}
        for program_id in found.keys() | expected.keys():
            if expected.get(program_id, (0, 0)) != (found[program_id], events[program_id]):
                raise SegmentDamaged(f"segments of program {program_id} are missing")

    async def _others(self, source: SegmentSource, dimensions: Collection[str]) -> pl.DataFrame:
        if await self._fetch(FIND_HISTORY, {"name": source.consumer}):
            raise ReportTooLarge("has events that are yet to be prepared for reports")
        wanted = PROGRAM, *(each for each in source.columns if each.name in dimensions or each not in DIMENSIONS)
        found = await self._fetch(statements.waiting(self.selection, source, wanted, is_sqlite=self.is_sqlite))
        rows = statements.rows_with(wanted, is_sqlite=self.is_sqlite)
        frame = await asyncio.to_thread(rows.unpacked, found)
        if len(frame) > statements.MOST_WAITING:
            raise ReportTooLarge(
                f"has more than {statements.MOST_WAITING} events that are yet to be prepared for reports"
            )
        return await asyncio.to_thread(self.cache.shared, frame)

    async def _data(self, source: SegmentSource, file: SegmentFile) -> bytes:
        values = {"program_id": file.program_id, "id": file.id}
        found = await self._fetch(statements.data(source.kind), values)
        if not found:
            raise SegmentDamaged(f"segment {file.id} of program {file.program_id} is missing")
        return bytes(found[0][0])

    async def _fetch(self, query: Any, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        return await self.source.fetch(query, {**self.values, **(values or {})})
