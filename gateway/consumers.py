"""The consumers of the outbox that every gateway of this version runs."""

from collections.abc import Sequence

from db.engine.store import Store
from db.outbox.consumer import Consumer
from db.rollups.aggregator import ConversionAggregator, RollupAggregator
from db.segments.builder import ConversionSegmentBuilder, SegmentBuilder
from graph.domain.derived_fields import derived_fields


def consumers(store: Store) -> Sequence[Consumer]:
    """Return the consumers, for a database."""
    return [
        RollupAggregator(store),
        ConversionAggregator(store),
        *segment_builders(store),
    ]


def segment_builders(store: Store) -> Sequence[SegmentBuilder]:
    """Return those of the consumers that make segments."""
    return [SegmentBuilder(store, derived_fields), ConversionSegmentBuilder(store, derived_fields)]


NAMES = tuple(each.name for each in (RollupAggregator, ConversionAggregator, SegmentBuilder, ConversionSegmentBuilder))
