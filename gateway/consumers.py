"""The consumers of the outbox that every gateway of this version runs."""

from collections.abc import Sequence

from db.engine.store import Store
from db.outbox.consumer import Consumer
from db.rollups.aggregator import ConversionAggregator, RollupAggregator
from db.segments.builder import ConversionSegmentBuilder, SegmentBuilder

CONSUMERS = {
    each.name: each for each in (RollupAggregator, ConversionAggregator, SegmentBuilder, ConversionSegmentBuilder)
}


def consumers(store: Store) -> Sequence[Consumer]:
    """Return a consumer of each kind."""
    return [make(store) for make in CONSUMERS.values()]
