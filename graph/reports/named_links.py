"""The links that the filter of a report names.

A partner keeps its clicks through a link that has moved to another partner, but cannot see the link any more: a filter
that names it must match as few clicks as one that names no link at all.
"""

from collections.abc import Set
from dataclasses import replace

from db.engine.backend.protocol import Source
from db.segments.questions import LINK, Condition, In, Value
from graph.domain.scope import PARTNERS, Viewer
from graph.reports.names import names
from graph.reports.requests import ReportFilter


async def with_visible_links(chosen: ReportFilter, viewer: Viewer, source: Source) -> ReportFilter:
    """Return a filter without the links that are hidden from a viewer."""
    conditions = [each for each in chosen.where if isinstance(each, In) and each.dimension == LINK]
    wanted = {*(chosen.link_ids or ()), *(id for each in conditions for id in each.values)}
    # All others see the links of every click that they see.
    if viewer.audience not in PARTNERS or not wanted:
        return chosen
    found = await source.fetch(names(LINK, viewer.audience), {**viewer.values, "ids": sorted(wanted)})
    seen = {id for id, _ in found}
    link_ids = None if chosen.link_ids is None else tuple(id for id in chosen.link_ids if id in seen)
    return replace(chosen, link_ids=link_ids, where=tuple(_confined(condition, seen) for condition in chosen.where))


def _confined(condition: Condition, seen: Set[Value]) -> Condition:
    if isinstance(condition, In) and condition.dimension == LINK:
        return condition._replace(values=condition.values & seen)
    return condition
