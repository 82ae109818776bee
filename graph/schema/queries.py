"""The root of every query: lists, single rows, and who is asking."""

from typing import Annotated

import strawberry
from strawberry import ID, Info

from db.entries import CLICK_ID
from graph.context import Context
from graph.errors import FieldInvalid
from graph.permissions import viewer_of
from graph.reading.catalogue import CATALOGUE
from graph.reading.ids import RowRef, decode_id, decode_key
from graph.schema import reading
from graph.schema.executor import Finished, Reads
from graph.schema.fields import listed, value
from graph.schema.inputs import (
    ApiTokenFilter,
    ApiTokenOrder,
    ClickEventFilter,
    CustomerFilter,
    CustomerOrder,
    EventOrder,
    PartnerFilter,
    PartnerOrder,
    PartnerProgramFilter,
    PartnerProgramOrder,
    ProgramFilter,
    ProgramOrder,
    ReferralLinkFilter,
    ReferralLinkOrder,
    Role,
    TestEventFilter,
)
from graph.schema.reports import ClickReport, click_report
from graph.schema.scalars import BigInt
from graph.schema.selections import Selection
from graph.schema.types import (
    ApiToken,
    ClickEvent,
    Connection,
    Customer,
    Node,
    Partner,
    PartnerProgram,
    Program,
    ReferralLink,
    TestEvent,
)


class ReadsPage(Reads):
    """Answers a root field that is a list."""

    async def read(self, context: Context, selection: Selection) -> Finished:
        return await reading.page(context, selection)


PAGE = ReadsPage()
GlobalId = Annotated[ID, strawberry.argument(description="The `id` of anything in an answer.")]
MaybeId = Annotated[ID | None, strawberry.argument(description="Its global id.")]
MaybeNumber = Annotated[BigInt | None, strawberry.argument(description="Its number in the database.")]
MaybeCode = Annotated[str | None, strawberry.argument(description="Its code; case matters.")]
MaybeClickId = Annotated[str | None, strawberry.argument(description="The `click_id` that the tracker keeps.")]


@strawberry.type(description="Who is asking, as told by the token.")
class Viewer:
    role: Role = value("Whose data the token shows.")
    program: Program | None = value("The program that the token is bound to.")
    partner: Partner | None = value("The partner that the token is bound to.")


@strawberry.type(description="What can be read. Whatever a token is not for looks as if it were not there.")
class Query:
    programs: Connection[Program] = listed("Programs, the latest first.", ProgramFilter, ProgramOrder, PAGE)
    partners: Connection[Partner] = listed("Partners, the latest first.", PartnerFilter, PartnerOrder, PAGE)
    partner_programs: Connection[PartnerProgram] = listed(
        "Memberships with their metrics, the latest first.", PartnerProgramFilter, PartnerProgramOrder, PAGE
    )
    referral_links: Connection[ReferralLink] = listed(
        "Links, the latest first.", ReferralLinkFilter, ReferralLinkOrder, PAGE
    )
    customers: Connection[Customer] = listed("Customers, the latest first.", CustomerFilter, CustomerOrder, PAGE)
    click_events: Connection[ClickEvent] = listed("Clicks, the latest first.", ClickEventFilter, EventOrder, PAGE)
    test_events: Connection[TestEvent] = listed(
        "Clicks sent in test mode, the latest first. Partners see none.", TestEventFilter, EventOrder, PAGE
    )
    api_tokens: Connection[ApiToken] = listed(
        "Tokens, the latest first: all to an administrator, to a program those that it issued.",
        *(ApiTokenFilter, ApiTokenOrder, PAGE),
    )

    click_report: ClickReport = strawberry.field(
        resolver=click_report,
        description="Clicks counted over a span of time, from sums kept beside the events: its cost grows with the "
        "time asked for. It equals a recount of the events as of `dataAsOf`.",
    )

    @strawberry.field(description="Who is asking.")
    async def viewer(self, info: Info) -> Viewer:
        asking = viewer_of(info.context)
        program = None if asking.program_id is None else RowRef("Program", (asking.program_id,))
        partner = None if asking.partner_id is None else RowRef("Partner", (asking.partner_id,))
        return await reading.composed(info, {"role": asking.role.upper(), "program": program, "partner": partner})

    @strawberry.field(description="Anything by its global id; null if there is no such thing.")
    async def node(self, info: Info, id: GlobalId) -> Node | None:
        ref = decode_id(id)
        if ref.kind not in CATALOGUE or len(ref.key) != len(CATALOGUE[ref.kind].key):
            raise FieldInvalid("id", "is not an id of this API")
        return await reading.row_by_key(info, ref)

    @strawberry.field(description="A program, by one of its ids.")
    async def program(self, info: Info, id: MaybeId = None, database_id: MaybeNumber = None) -> Program | None:
        return await reading.row_by_key(info, _numbered("Program", id, database_id))

    @strawberry.field(description="A partner, by one of its ids.")
    async def partner(self, info: Info, id: MaybeId = None, database_id: MaybeNumber = None) -> Partner | None:
        return await reading.row_by_key(info, _numbered("Partner", id, database_id))

    @strawberry.field(description="A link, by its code or its id.")
    async def referral_link(self, info: Info, code: MaybeCode = None, id: MaybeId = None) -> ReferralLink | None:
        _check_one(code=code, id=id)
        if id is not None:
            return await reading.row_by_key(info, RowRef("ReferralLink", decode_key(id, "ReferralLink", "id")))
        return await reading.row(info, "ReferralLink", "code", code=_text("code", code))

    @strawberry.field(description="A customer, by its `click_id` or its global id.")
    async def customer(self, info: Info, click_id: MaybeClickId = None, id: MaybeId = None) -> Customer | None:
        _check_one(clickId=click_id, id=id)
        if id is not None:
            return await reading.row_by_key(info, RowRef("Customer", decode_key(id, "Customer", "id")))
        match = CLICK_ID.fullmatch(click_id or "")
        number = int(match[1]) if match else 0
        return await reading.row(info, "Customer", "click_id", id=number, click_id=_text("clickId", click_id))


def _check_one(**given: object) -> None:
    """Raise `FieldInvalid` unless exactly one of the arguments is given."""
    if sum(value is not None for value in given.values()) != 1:
        first, second = given
        raise FieldInvalid(first, f"or {second} is needed, and not both")


def _numbered(kind: str, id: ID | None, database_id: BigInt | None) -> RowRef:
    _check_one(id=id, databaseId=database_id)
    return RowRef(kind, decode_key(id, kind, "id") if id is not None else (int(database_id or 0),))


def _text(field: str, text: str | None) -> str:
    if text is None or "\0" in text:
        raise FieldInvalid(field, "must not contain NUL")
    return text
