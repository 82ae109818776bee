"""A data set in which every token has something that it must not see, and the rules for what it may see, written in
plain Python and independently of the code that restricts queries."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import DeclarativeBase

from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.commissions import Commission, CommissionRule, Payout
from db.schema.conversions import LeadEvent, Refund, Sale
from db.schema.customers import Customer
from db.schema.links import ReferralLink
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program
from db.schema.tokens import ApiToken
from graph.query.global_ids import encode_id
from tests.support.conversion_rows import convert
from tests.support.gateways import Gateway

TABLES: dict[str, type[DeclarativeBase]] = {
    "Program": Program,
    "Partner": Partner,
    "PartnerProgram": PartnerProgram,
    "ReferralLink": ReferralLink,
    "Customer": Customer,
    "ClickEvent": ClickEvent,
    "TestEvent": ClickTestEvent,
    "ApiToken": ApiToken,
    "LeadEvent": LeadEvent,
    "Sale": Sale,
    "Refund": Refund,
    "Commission": Commission,
    "CommissionRule": CommissionRule,
    "Payout": Payout,
}
# Columns that are shown to nobody, to no program, and to no partner.
WITHHELD = {"token_hash", "email_digest"}
WITHHELD_FROM_PROGRAMS = {("Partner", "email")}
WITHHELD_FROM_PARTNERS = {
    ("Customer", "customer_key"),
    ("Customer", "email_mask"),
    ("LeadEvent", "additional_data"),
    ("Sale", "additional_data"),
    ("Sale", "line_items"),
    ("Refund", "reason"),
}
# A shorter text could occur elsewhere by chance.
SECRET_LENGTH = 8
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Eye:
    """A viewer: a token with what it is bound to. The anonymous viewer has no secret."""

    name: str
    secret: str | None = None
    role: str | None = None
    program_id: int | None = None
    partner_id: int | None = None


@dataclass(frozen=True, slots=True)
class World:
    """All rows by type, and the viewers."""

    gateway: Gateway
    eyes: Mapping[str, Eye]
    rows: Mapping[str, list[Row]]
    members: frozenset[tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        members = frozenset((row["program_id"], row["partner_id"]) for row in self.rows["PartnerProgram"])
        object.__setattr__(self, "members", members)

    @property
    def viewers(self) -> list[Eye]:
        """The viewers with a token."""
        return [eye for eye in self.eyes.values() if eye.secret is not None]

    def ids(self, kind: str | None = None) -> list[str]:
        """Return the global ids of all rows, or of those of one type."""
        kinds = TABLES if kind is None else [kind]
        return [global_id(name, row) for name in kinds for row in self.rows[name]]

    def visible(self, eye: Eye, kind: str) -> list[Row]:
        """Return the rows of a type that a viewer may see."""
        return [row for row in self.rows[kind] if self.sees(eye, kind, row)]

    def visible_ids(self, eye: Eye, kind: str | None = None) -> set[str]:
        kinds = TABLES if kind is None else [kind]
        return {global_id(name, row) for name in kinds for row in self.visible(eye, name)}

    def sees(self, eye: Eye, kind: str, row: Row) -> bool:
        """Return whether a viewer may see a row."""
        match eye.role:
            case "admin":
                return True
            case "program":
                return self._of_program(eye.program_id, kind, row)
            case "partner":
                mine = self._of_partner(eye.partner_id, kind, row)
                return mine and (eye.program_id is None or self._of_program(eye.program_id, kind, row))
        return False

    def _of_program(self, program_id: Any, kind: str, row: Row) -> bool:
        match kind:
            case "Program":
                return bool(row["id"] == program_id)
            case "Partner":
                return (program_id, row["id"]) in self.members
            case "ApiToken":
                return bool(row["program_id"] == program_id and row["role"] in ("partner", "tracking"))
        return bool(row["program_id"] == program_id)

    def _of_partner(self, partner_id: Any, kind: str, row: Row) -> bool:
        match kind:
            case "Program":
                return (row["id"], partner_id) in self.members
            case "Partner":
                return bool(row["id"] == partner_id)
            case "TestEvent" | "ApiToken":
                return False
            case "CommissionRule" if row["partner_id"] is None:
                return (row["program_id"], partner_id) in self.members
        return bool(row["partner_id"] == partner_id)

    def texts(self, *columns: str) -> list[str]:
        """Return all texts in the database, or those in certain columns."""
        found = {text for _, _, column, text in self._texts() if not columns or column in columns}
        return sorted(found)

    def secrets(self, eye: Eye) -> set[str]:
        """Return the texts that a viewer must never be shown."""
        owners = defaultdict(list)
        for kind, row, column, text in self._texts():
            withheld = column in WITHHELD or (kind, column) in {
                "program": WITHHELD_FROM_PROGRAMS,
                "partner": WITHHELD_FROM_PARTNERS,
            }.get(str(eye.role), set())
            owners[text].append(not withheld and self.sees(eye, kind, row))
        return {text for text, shown in owners.items() if not any(shown) and len(text) >= SECRET_LENGTH}

    def _texts(self) -> Iterator[tuple[str, Row, str, str]]:
        for kind, rows in self.rows.items():
            for row in rows:
                for column, value in row.items():
                    for text in _texts_in(column, value):
                        yield kind, row, column, text


def _texts_in(column: str, value: Any) -> list[str]:
    if not isinstance(value, str):
        return []
    if column == "additional_data":
        return [text for text in json.loads(value).values() if isinstance(text, str)]
    if column == "line_items":
        return [str(text) for text in json.loads(value)]
    return [value]


def global_id(kind: str, row: Row) -> str:
    """Return a row's global id."""
    return encode_id(kind, *(row[column.name] for column in TABLES[kind].__table__.primary_key))


_numbers = count(1)


def secret() -> str:
    """Return a unique text."""
    return f"hush{next(_numbers):05d}z"


def visit(**fields: Any) -> dict[str, Any]:
    """Return a click's fields, each with a unique text."""
    own = {name: secret() for name in ("page_title", "session_id", "event_id", "language", "screen_resolution")}
    urls = {"page_url": f"https://yoursite.com/{secret()}", "referrer_url": f"https://{secret()}.example/{secret()}"}
    return {**own, **urls, "user_agent": DESKTOP, "additional_data": {"note": secret()}, **fields}


async def make_world(gateway: Gateway) -> World:
    """Create two programs and three partners, one of them in both, with visitors who come back through other links."""
    programs = [await gateway.program(name=secret(), domain=f"{secret()}.example") for _ in range(3)]
    here, there, idle = (program["id"] for program in programs)
    people = [await gateway.partner(name=secret(), email=f"{secret()}@mail.example") for _ in range(4)]
    one, two, both, _ = (partner["id"] for partner in people)
    codes = [
        await _link(gateway, programs[program], people[partner])
        for program, partner in ((0, 0), (0, 0), (0, 2), (1, 1), (1, 2))
    ]
    await _odd_links(gateway, here, both)
    await _visits(gateway, codes)
    for program_id in (here, there, None):
        data = {"test_mode": True, "note": secret()} | ({} if program_id is None else {"program_id": program_id})
        await gateway.track(None, **visit(additional_data=data, affiliate_url=f"https://yoursite.com/{secret()}"))
    await convert(gateway, secret)
    bounds: dict[str, dict[str, Any]] = {
        "admin": {"role": "admin"},
        "program here": {"role": "program", "program_id": here},
        "program there": {"role": "program", "program_id": there},
        "program idle": {"role": "program", "program_id": idle},
        "partner one": {"role": "partner", "partner_id": one},
        "partner two": {"role": "partner", "partner_id": two},
        "partner of both": {"role": "partner", "partner_id": both},
        "partner confined": {"role": "partner", "partner_id": both, "program_id": there},
        "tracking here": {"role": "tracking", "program_id": here},
    }
    eyes = {name: Eye(name, await gateway.token(**bound, label=secret()), **bound) for name, bound in bounds.items()}
    eyes["partner elsewhere"] = await _left(gateway, one, here, there)
    return World(gateway, {**eyes, "nobody": Eye("nobody")}, await all_rows(gateway))


async def _left(gateway: Gateway, partner_id: int, program_id: int, elsewhere: int) -> Eye:
    """Issue a token limited to a program that its partner is not in, which only a direct change of the database can
    do."""
    label = secret()
    token = await gateway.token("partner", partner_id=partner_id, program_id=program_id, label=label)
    await gateway.execute(update(ApiToken).where(ApiToken.label == label).values(program_id=elsewhere))
    return Eye("partner elsewhere", token, "partner", elsewhere, partner_id)


async def all_rows(gateway: Gateway) -> dict[str, list[Row]]:
    """Return all rows of all types."""
    return {kind: list(await gateway.rows(table)) for kind, table in TABLES.items()}


async def _link(gateway: Gateway, program: Row, partner: Row) -> str:
    code = secret()
    destination = f"https://yoursite.com/{secret()}"
    await gateway.link(code, program=program, partner=partner, destination_url=destination)
    return code


async def _odd_links(gateway: Gateway, program_id: int, partner_id: int) -> None:
    """Create a link without a program and one without a partner, which only a direct change of the database can do."""
    for owner in ({"partner_id": partner_id}, {"program_id": program_id}, {}):
        await gateway.execute(insert(ReferralLink).values(code=secret(), **owner))


async def _visits(gateway: Gateway, codes: list[str]) -> None:
    """Send two visitors to each link, and let some of them come back through another one."""
    clicked: dict[str, list[str]] = {code: [] for code in codes}
    for code in codes:
        for _ in range(2):
            answer = await gateway.track(code, **visit())
            clicked[code].append(answer.json()["click_id"])
    first, second, shared, foreign, shared_there = codes
    again = ((shared, first), (first, shared), (second, first), (foreign, shared_there), (foreign, shared))
    for code, before in again:
        await gateway.track(code, **visit(existing_click_id=clicked[before][0]))
