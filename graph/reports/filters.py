"""Which clicks a report counts.

Every condition comes with that of the viewer's scope. The filters also decide which rollups can answer a report.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam

from db.rollups.sums import Level
from db.sql.functions import Ids, among
from graph.domain.scope import PARTNER, Audience, Condition, visible


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


def _named(are_named: bool, column: Any, ids: str) -> Sequence[Condition]:
    return [among(column, bindparam(ids, type_=Ids()))] if are_named else []
