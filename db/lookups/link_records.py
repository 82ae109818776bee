"""The parts of links, programs and memberships that a click needs, and the queries that read them.

They are msgspec structs: a million of them are created from rows in a fraction of a second, and the garbage collector
does not have to traverse them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec import Struct, convert
from sqlalchemy import Integer, bindparam, select, type_coerce

from db.engine.backend.protocol import Source
from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram
from db.schema.programs import Program
from db.sql.compiled_queries import CompiledQuery

# The number of rows read at a time, which bounds how long they block the event loop.
PART_ROWS = 4000

# Rows are taken as the driver returns them, which on SQLite is 1 for true.
_LINKS = select(
    ReferralLink.id,
    ReferralLink.code,
    type_coerce(ReferralLink.status == "active", Integer),
    ReferralLink.program_id,
    ReferralLink.partner_id,
    ReferralLink.version,
)
_PROGRAMS = select(Program.id, Program.cookie_window_days, Program.version)
_CHANGED = _LINKS.where(ReferralLink.version > bindparam("since")).limit(bindparam("rows"))
CHANGED_LINKS = CompiledQuery(_CHANGED)
CHANGED_LINKS_IN_ORDER = CompiledQuery(_CHANGED.where(ReferralLink.id > bindparam("after")).order_by(ReferralLink.id))
CHANGED_PROGRAMS = CompiledQuery(_PROGRAMS.where(Program.version > bindparam("since")))
_MEMBERSHIPS = select(
    PartnerProgram.program_id,
    PartnerProgram.partner_id,
    type_coerce(PartnerProgram.suspended_at.is_not(None), Integer),
    PartnerProgram.version,
).where(PartnerProgram.version > bindparam("since"))
CHANGED_MEMBERSHIPS = CompiledQuery(_MEMBERSHIPS)
# All that is needed at first: few partners are suspended, however many there are.
SUSPENDED_MEMBERSHIPS = CompiledQuery(_MEMBERSHIPS.where(PartnerProgram.suspended_at.is_not(None)))


class KnownProgram(Struct, frozen=True, gc=False, array_like=True):
    """The parts of a program that a click needs, as of a version."""

    id: int
    cookie_window_days: int
    version: int


class KnownLink(Struct, frozen=True, gc=False, array_like=True):
    """The parts of a link that a click needs, as of a version."""

    id: int
    code: str
    is_active: bool
    program_id: int | None
    partner_id: int | None
    version: int


class KnownMembership(Struct, frozen=True, gc=False, array_like=True):
    """Whether a partner is suspended in a program, as of a version."""

    program_id: int
    partner_id: int
    is_suspended: bool
    version: int


_id, _code = attrgetter("id"), attrgetter("code")


class LinkIndex:
    """Links by code and by id, programs by id, and those memberships that are or were suspended by program and
    partner."""

    def __init__(
        self,
        links: Sequence[KnownLink] = (),
        programs: Iterable[KnownProgram] = (),
        memberships: Iterable[KnownMembership] = (),
    ) -> None:
        self.links: dict[str, KnownLink] = {}
        self.codes: dict[int, str] = {}
        self.programs = {program.id: program for program in programs}
        self.memberships: dict[tuple[int | None, int | None], KnownMembership] = {
            (each.program_id, each.partner_id): each for each in memberships
        }
        self.add(links)

    def add(self, links: Sequence[KnownLink]) -> None:
        """Add links that are not in the index yet."""
        # No Python code runs per link: there may be a million.
        self.links.update(zip(map(_code, links), links, strict=True))
        self.codes.update(zip(map(_id, links), map(_code, links), strict=True))

    def link(self, link_id: int) -> KnownLink | None:
        """Return the link with an id."""
        link = self.links.get(self.codes.get(link_id, ""))
        return link if link is not None and link.id == link_id else None

    def takes_clicks(self, link: KnownLink) -> bool:
        """Return whether a link records clicks: it is active, and its partner is not suspended."""
        membership = self.memberships.get((link.program_id, link.partner_id))
        return link.is_active and (membership is None or not membership.is_suspended)

    def newer_than(self, version: int) -> "LinkIndex":
        """Return the links, programs and memberships with a later version."""
        return LinkIndex(
            [link for link in self.links.values() if link.version > version],
            [program for program in self.programs.values() if program.version > version],
            [membership for membership in self.memberships.values() if membership.version > version],
        )

    def learn(self, news: "LinkIndex") -> None:
        """Apply changes, except those older than what the index already has."""
        for program in news.programs.values():
            known = self.programs.get(program.id)
            if known is None or known.version <= program.version:
                self.programs[program.id] = program
        for key, membership in news.memberships.items():
            earlier = self.memberships.get(key)
            if earlier is None or earlier.version <= membership.version:
                self.memberships[key] = membership
        for link in news.links.values():
            self._learn_link(link)

    def _learn_link(self, link: KnownLink) -> None:
        former, holder = self.link(link.id), self.links.get(link.code)
        if any(known is not None and known.version > link.version for known in (former, holder)):
            return
        if former is not None:
            del self.links[former.code]
        self.links[link.code] = link
        self.codes[link.id] = link.code


def known_link(row: Mapping[str, Any]) -> KnownLink:
    """Convert a link's row, given by column name."""
    is_active = row["status"] == "active"
    return KnownLink(row["id"], row["code"], is_active, row["program_id"], row["partner_id"], row["version"])


def known_program(row: Mapping[str, Any]) -> KnownProgram:
    """Convert a program's row, given by column name."""
    return KnownProgram(row["id"], row["cookie_window_days"], row["version"])


def known_membership(row: Mapping[str, Any]) -> KnownMembership:
    """Convert a membership's row, given by column name."""
    is_suspended = row["suspended_at"] is not None
    return KnownMembership(row["program_id"], row["partner_id"], is_suspended, row["version"])


class LookupQuery(NamedTuple):
    """A query for one link or program, and the conversion of its rows."""

    query: CompiledQuery
    known: Callable[[Iterable[Any]], LinkIndex]


def _links(rows: Iterable[Any]) -> list[KnownLink]:
    """Convert rows to links."""
    return convert(list(map(tuple, rows)), list[KnownLink], strict=False)


def _programs(rows: Iterable[Any]) -> list[KnownProgram]:
    """Convert rows to programs."""
    return convert(list(map(tuple, rows)), list[KnownProgram])


def _memberships(rows: Iterable[Any]) -> list[KnownMembership]:
    """Convert rows to memberships."""
    return convert(list(map(tuple, rows)), list[KnownMembership], strict=False)


LINK_OF_CODE = LookupQuery(
    CompiledQuery(_LINKS.where(ReferralLink.code == bindparam("code"))), lambda rows: LinkIndex(links=_links(rows))
)
LINK_OF_ID = LookupQuery(
    CompiledQuery(_LINKS.where(ReferralLink.id == bindparam("id"))), lambda rows: LinkIndex(links=_links(rows))
)
PROGRAM_OF_ID = LookupQuery(
    CompiledQuery(_PROGRAMS.where(Program.id == bindparam("id"))), lambda rows: LinkIndex(programs=_programs(rows))
)


async def read_changed(source: Source, since: int) -> LinkIndex:
    """Return the links, programs and memberships with a version above `since`, of which -1 is the one before the first.
    They are consistent if the source is a snapshot."""
    memberships = SUSPENDED_MEMBERSHIPS if since < 0 else CHANGED_MEMBERSHIPS
    known = LinkIndex(
        programs=_programs(await source.fetch(CHANGED_PROGRAMS, {"since": since})),
        memberships=_memberships(await source.fetch(memberships, {"since": since})),
    )
    changed = _links(await source.fetch(CHANGED_LINKS, {"since": since, "rows": PART_ROWS}))
    if len(changed) < PART_ROWS:
        known.add(changed)
        return known
    # There may be a million, so read them in the order of their ids. The index on versions is better only for a few.
    after = 0
    while part := _links(
        await source.fetch(CHANGED_LINKS_IN_ORDER, {"since": since, "after": after, "rows": PART_ROWS})
    ):
        known.add(part)
        after = part[-1].id
    return known
