"""Links are imported from a CSV file: all of them, or none if anything is wrong with any line."""

from collections.abc import AsyncIterator

import pytest

from db.schema.links import ReferralLink
from graph.domain import link_import, links
from graph.domain.context import Context
from graph.domain.errors import FieldInvalid, Forbidden
from graph.domain.link_files import MOST_LINKS, read_links
from graph.domain.scope import Viewer
from tests.support.gateways import Gateway, running_gateway

COLUMNS = "code,partner_id,destination_url,status"


def problems(text: str, program_id: int | None = 1) -> list[str]:
    return [str(problem) for problem in read_links(text.encode(), program_id).problems]


@pytest.fixture
async def gateway(database_url: str) -> AsyncIterator[Gateway]:
    """Two programs, with two partners and a link in the first, and a partner in the second."""
    async with running_gateway(database_url) as gateway:
        programs = [await gateway.program() for _ in range(2)]
        for program in (programs[0], programs[0], programs[1]):
            await gateway.partner(program)
        await links.create(gateway.context, links.NewLink(code="TAKEN", program_id=1, partner_id=1))
        yield gateway


async def test_a_files_links_are_created_and_record_clicks_at_once(gateway: Gateway) -> None:
    file = f'\ufeff{COLUMNS}\r\nSPRING,1,https://shop.example/?a=1,\r\n,2,,Inactive\r\n\r\n"SUMMER",1,,active\r\n'
    assert (await link_import.preview(gateway.context, file.encode(), 1)).created == 0
    assert [row["code"] for row in await gateway.rows(ReferralLink)] == ["TAKEN"]
    done = await link_import.import_links(gateway.context, file.encode(), 1)
    assert (done.created, done.problems) == (3, ())
    rows = await gateway.rows(ReferralLink)
    assert len(rows[2]["code"]) == links.MADE_UP_LENGTH
    assert [(row["code"], row["partner_id"], row["destination_url"], row["status"]) for row in rows] == [
        ("TAKEN", 1, None, "active"),
        ("SPRING", 1, "https://shop.example/?a=1", "active"),
        (rows[2]["code"], 2, None, "inactive"),
        ("SUMMER", 1, None, "active"),
    ]
    assert (await gateway.track("SUMMER")).json()["partner_code"] == "SUMMER"


async def test_nothing_is_created_if_any_line_is_wrong(gateway: Gateway) -> None:
    file = "program_id,partner_id,code\n1,1,GOOD\n1,1,TAKEN\n1,3,STRANGER\n9,1,NOWHERE\n2,3,FINE\n2,3,a b\n"
    for verb in (link_import.preview, link_import.import_links):
        found = await verb(gateway.context, file.encode())
        assert [each.link.code for each in found.links] == ["GOOD", "FINE"]
        assert [str(problem) for problem in found.problems] == [
            "line 3: Code is already taken",
            "line 4: partner_id must be a partner in this program",
            "line 5: Program not found",
            "line 7: code must consist of 1 to 64 letters, digits, - and _",
        ]
        assert len(await gateway.rows(ReferralLink)) == 1


async def test_a_program_imports_links_of_its_own(gateway: Gateway) -> None:
    own = Context(gateway.context.services, viewer=Viewer("program", program_id=2))
    assert (await link_import.import_links(own, b"partner_id,code\n3,OWN\n")).created == 1
    found = await link_import.import_links(own, b"program_id,partner_id,code\n1,1,OTHER\n")
    assert [str(problem) for problem in found.problems] == ["line 2: Program not found"]
    with pytest.raises(Forbidden):
        await link_import.preview(
            Context(gateway.context.services, viewer=Viewer("partner", partner_id=1)), b"partner_id\n1\n"
        )


@pytest.mark.slow
async def test_as_many_links_as_a_file_may_have(gateway: Gateway) -> None:
    lines = "".join(f"C{number},1\n" for number in range(MOST_LINKS))
    assert (
        await link_import.import_links(gateway.context, f"code,partner_id\n{lines}".encode(), 1)
    ).created == MOST_LINKS
    again = await link_import.preview(gateway.context, f"code,partner_id\n{lines}".encode(), 1)
    assert len(again.problems) == MOST_LINKS
    with pytest.raises(FieldInvalid, match="more than 10000 links"):
        read_links(f"code,partner_id\n{lines}MORE,1\n".encode(), 1)


def test_each_line_is_checked_by_itself() -> None:
    text = f"{COLUMNS}\nA,1,,\nA,1,,\nB,x,,\nC,,,\nD,1,ftp://x,\nE,1,,paused\nF,1,,,surplus\nG,0,,\n"
    assert problems(text) == [
        "line 3: code is also in line 2",
        "line 4: partner_id must be a number",
        "line 5: partner_id is required",
        "line 6: destination_url must be an http or https URL of at most 2048 characters",
        "line 7: status must be active or inactive",
        "line 8: has more cells than there are columns",
        "line 9: partner_id must be a number",
    ]
    assert problems("partner_id\n1\n", None) == ["line 2: program_id is required"]


def test_lines_are_numbered_as_an_editor_numbers_them() -> None:
    assert problems('partner_id,destination_url\n1,"https://x.example/\n"\n\nx,\n') == [
        "line 5: partner_id must be a number"
    ]


@pytest.mark.parametrize("separator", [",", ";"])
def test_columns_may_be_in_any_order_and_in_capitals(separator: str) -> None:
    text = "Partner_ID,CODE\n7,x\n".replace(",", separator)
    ((line),) = read_links(text.encode(), 3).links
    assert (line.link.partner_id, line.link.code, line.link.program_id) == (7, "x", 3)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "must have a first line"),
        (b"code\nA\n", "must have a first line"),
        (b"partner_id,name\n1,x\n", "must have only the columns"),
        (b"partner_id,partner_id\n1,1\n", "must have the column partner_id once"),
        (b"partner_id\n", "has no links"),
        (b"partner_id\n\xff\n", "must be UTF-8"),
        (b'partner_id\n"1\n', "is not valid CSV in line 2"),
        (b"partner_id\n" + b" " * 5_000_000, "must not have more than"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(FieldInvalid, match=problem) as refusal:
        read_links(data, 1)
    assert refusal.value.field == "file"
