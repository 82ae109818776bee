"""Which clicks a report counts, and what it ranks them by.

Every condition comes with that of the viewer's scope. The filters also decide which rollups can answer a report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, bindparam

from db.rollups.dimensions import SPANS, VALUES, Level, as_value, value_of
from db.rollups.dimensions import Dimension as RollupDimension
from db.sql.functions import Ids, among
from graph.domain.scope import PARTNER, Audience, Condition, visible
from graph.reports.dimensions import Dimension

ROLLED_UP: Mapping[str, RollupDimension] = {dimension: dimension for dimension in VALUES}


@dataclass(frozen=True, slots=True)
class ClickSelection:
    """The clicks that an audience may see, or only those of certain programs, partners and links. Their ids are the
    parameters `program_ids`, `partner_ids` and `link_ids`."""

    audience: Audience
    of_programs: bool = False
    of_partners: bool = False
    of_links: bool = False

    @property
    def level(self) -> Level:
        """The level of the rollups that tell these clicks from others."""
        if self.of_links:
            return "link"
        if self.of_partners or self.audience in ("partner", "partner of a program"):
            return "partner"
        return "program"

    def dimension(self, by: Dimension | None) -> RollupDimension:
        """Return the rollup dimension that a ranking is read from. It is "total" if the ranking is by the subjects of
        the rollups themselves."""
        dimension = ROLLED_UP.get(by or "", "total")
        return dimension if dimension in SPANS[self.level] else "total"

    def spans(self, by: Dimension | None = None) -> Sequence[int]:
        """Return the lengths of the rollups available for a ranking or for totals, in seconds, longest first."""
        return SPANS[self.level][self.dimension(by)]

    def programs(self, program: Any) -> Sequence[Condition]:
        """Return the conditions on programs."""
        return [visible(program, self.audience), *_named(self.of_programs, program.id, "program_ids")]

    def events(self, event: Any) -> Sequence[Condition]:
        """Return the conditions on events of those programs."""
        return [
            visible(event, self.audience),
            *_named(self.of_partners, event.partner_id, "partner_ids"),
            *_named(self.of_links, event.link_id, "link_ids"),
        ]

    def rollups(self, rollup: Any, program: Any) -> Sequence[Condition]:
        """Return the conditions on rollups of those programs, naming their subjects so that an index is used."""
        conditions = [visible(rollup, self.audience), *_named(self.of_partners, rollup.partner_id, "partner_ids")]
        return [*self.subjects(rollup, program), *conditions]

    def subjects(self, rollup: Any, program: Any) -> Sequence[Condition]:
        """Return the conditions on the subjects of rollups alone, which the primary key begins with."""
        match self.level:
            case "program":
                subject = [rollup.subject_id == program.id]
            case "partner" if not self.of_partners:
                subject = [rollup.subject_id == PARTNER]
            case "partner":
                subject = [*_named(True, rollup.subject_id, "partner_ids")]
            case "link":
                subject = [*_named(True, rollup.subject_id, "link_ids")]
        return [rollup.level == self.level, *subject]

    def rollup_value(self, rollup: Any, by: Dimension) -> ColumnElement[str]:
        """Return a rollup's value in a ranking."""
        if self.dimension(by) != "total":
            value: ColumnElement[str] = rollup.value
            return value
        subjects = {
            Dimension.PROGRAM: rollup.program_id,
            Dimension.PARTNER: rollup.partner_id,
            Dimension.LINK: rollup.subject_id,
        }
        return as_value(subjects[by])


def event_value(event: Any, by: Dimension) -> ColumnElement[str]:
    """Return an event's value in a ranking."""
    return as_value(event.program_id) if by is Dimension.PROGRAM else value_of(event, ROLLED_UP[by])


def _named(are_named: bool, column: Any, ids: str) -> Sequence[Condition]:
    return [among(column, bindparam(ids, type_=Ids()))] if are_named else []
