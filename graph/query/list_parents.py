"""The parents of the rows in a list: the rows that a nested list belongs to, or the programs of a whole list.

Large tables are read parent by parent, so that each part of a list has an index.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, FromClause, bindparam, select
from sqlalchemy.orm import aliased

from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram
from db.schema.programs import Program
from db.segments import questions
from db.sql.functions import Ids, among
from db.sql.statement_form import StatementForm
from db.sql.top_n_per_group import parent_keys
from graph.domain.scope import Audience, visible
from graph.query.click_dimensions import SUBJECTS
from graph.query.dimension_conditions import parameter_of
from graph.query.entities import ENTITIES
from graph.query.entity import MappedRow
from graph.query.plan import ConditionForm, PagePlan
from graph.query.shared_parts import MEMBERSHIP

# The child columns that hold the key of the parent, in the order of the key; empty for a list without parents.
ParentColumns: TypeAlias = tuple[str, ...]
# Those who see the rows of one program only.
ONE_PROGRAM: frozenset[Audience] = frozenset({"program", "partner of a program"})


class ListParents(NamedTuple):
    """The parents whose children a list contains, if any, and the child columns that hold their keys. The first `width`
    of the keys are the parents' own. `is_single` means that there is at most one parent."""

    source: FromClause | None
    matching: ParentColumns
    width: int = 0
    is_single: bool = False
    by_program: bool = False
    """Whether the source has a program's row for each parent, which a cluster reads the children by."""

    @property
    def program_id(self) -> ColumnElement[int]:
        """The column of a parent's program."""
        keys = [] if self.source is None else list(self.source.c)
        return keys[self.matching.index("program_id")]

    @property
    def keys(self) -> Sequence[ColumnElement[Any]]:
        return [] if self.source is None else list(self.source.c)[: self.width]

    @property
    def is_divided(self) -> bool:
        """Whether a parent's children are read in several parts."""
        return self.width < len(self.matching)

    def matches(self, child: MappedRow) -> Sequence[ColumnElement[bool]]:
        keys = [] if self.source is None else list(self.source.c)
        return [getattr(child, column) == key for column, key in zip(self.matching, keys, strict=True)]


def list_parents(page: PagePlan, parent_columns: ParentColumns, audience: Audience, form: StatementForm) -> ListParents:
    """Return the parents of a list's rows, given the child columns that hold the parents' keys. A whole list of a large
    table has the programs as parents."""
    if parent_columns:
        keys = parent_keys(len(parent_columns), is_sqlite=form.is_sqlite)
        by_program = form.is_cluster and ENTITIES[page.entity].is_large
        if by_program and "program_id" in parent_columns:
            return _with_programs(keys, parent_columns)
        if not spans_programs(page, parent_columns):
            return ListParents(keys, parent_columns, len(parent_columns))
        # A partner's rows: those of each of its memberships have an index.
        member = aliased(PartnerProgram)
        pairs = select(*keys.c, member.program_id.label("program_id")).join_from(
            keys, member, member.partner_id == keys.c[parent_columns.index("partner_id")]
        )
        columns = (*parent_columns, "program_id")
        if by_program:
            return _with_programs(pairs.subquery("pair"), columns)._replace(width=len(parent_columns))
        return ListParents(pairs.subquery("membership"), columns, len(parent_columns))
    if not ENTITIES[page.entity].is_large:
        return ListParents(None, ())
    if (number := dividing_condition(page, parent_columns)) is not None:
        return _subjects(page, number, audience, form)
    program = aliased(Program)
    programs = select(program.id.label("key0")).where(visible(program, audience))
    if "program_id" in page.filters:
        programs = programs.where(program.id == bindparam(page.value("program_id0")))
    is_single = "program_id" in page.filters or audience in ONE_PROGRAM
    return ListParents(programs.subquery("parent"), ("program_id",), is_single=is_single)


def dividing_condition(page: PagePlan, parent_columns: ParentColumns) -> int | None:
    """Return the number of the condition that confines a whole list to some links, partners or programs, if there is
    one. The list is read one by one of these: an index has the rows of each in the order of the list, but not those of
    several together."""
    forms = [ConditionForm(dimension, "in") for dimension in SUBJECTS]
    found = next((form for form in forms if form in page.conditions), None)
    return None if found is None or parent_columns else page.conditions.index(found)


def _with_programs(source: FromClause, columns: ParentColumns) -> ListParents:
    """Return parents, given the child columns that hold their keys, as a cluster reads the children of them."""
    program = aliased(Program)
    keys = [program.id if name == "program_id" else key for name, key in zip(columns, source.c, strict=True)]
    labelled = [key.label(f"key{position}") for position, key in enumerate(keys)]
    at = source.c[columns.index("program_id")]
    found = select(*labelled).join_from(source, program, program.id == at)
    return ListParents(found.subquery("parent"), columns, len(columns), by_program=True)


def _subjects(page: PagePlan, number: int, audience: Audience, form: StatementForm) -> ListParents:
    """Return the links, partners or programs that a condition names, as far as the viewer can see these."""
    ids = bindparam(page.value(parameter_of(number)), type_=Ids())
    program, link, member = aliased(Program), aliased(ReferralLink), aliased(PartnerProgram)
    row: MappedRow
    match page.conditions[number].dimension:
        case questions.LINK:
            row, id, keys = link, link.id, {"program_id": link.program_id, "link_id": link.id}
        case questions.PARTNER:
            row, id, keys = member, member.partner_id, {name: getattr(member, name) for name in MEMBERSHIP}
        case _:
            row, id, keys = program, program.id, {"program_id": program.id}
    labelled = [key.label(f"key{position}") for position, key in enumerate(keys.values())]
    chosen = select(*labelled).where(among(id, ids), visible(row, audience))
    if form.is_cluster:
        return _with_programs(chosen.subquery("subject"), tuple(keys))._replace(width=0)
    return ListParents(chosen.subquery("parent"), tuple(keys))


def spans_programs(page: PagePlan, parent_columns: ParentColumns) -> bool:
    """Return whether the children of one parent may belong to several programs, in a table that has no index for
    that."""
    return ENTITIES[page.entity].is_large and "program_id" not in parent_columns
