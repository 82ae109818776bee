"""Links are imported over HTTP: all of a file, or none, with the problems of each line."""

import gzip
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from db.schema.links import ReferralLink
from graph.domain.link_files import MOST_BYTES, MOST_LINKS
from tests.support.gateways import Gateway

PATH = "/api/v1/import/links"


async def sent(
    gateway: Gateway, file: bytes, token: str | None, headers: Mapping[str, str] | None = None, **parameters: Any
) -> httpx.Response:
    authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await gateway.http.post(PATH, content=file, params=parameters, headers={**authorization, **(headers or {})})


async def test_a_programs_links_are_looked_at_and_created(gateway: Gateway) -> None:
    await gateway.link("FIRST")
    owner = await gateway.token("program", program_id=1)
    file = b"partner_id,code\n1,SECOND\n1,\n"
    looked = await sent(gateway, file, owner, preview="true")
    assert looked.json() == {"success": True, "links": 2, "created": 0, "problems": []}
    assert len(await gateway.rows(ReferralLink)) == 1
    done = await sent(gateway, gzip.compress(file), owner, {"Content-Encoding": "gzip"})
    assert (done.status_code, done.json()) == (200, {"success": True, "links": 2, "created": 2, "problems": []})
    assert (await gateway.track("SECOND")).status_code == 200


async def test_a_problem_of_a_line_is_told_and_nothing_created(gateway: Gateway) -> None:
    await gateway.link("FIRST")
    admin = await gateway.token()
    file = b"partner_id,code,program_id\n1,SECOND,1\n1,FIRST,1\n2,x,1\n"
    problems = [
        {"line": 3, "field": None, "problem": "Code is already taken"},
        {"line": 4, "field": "partner_id", "problem": "must be a partner in this program"},
    ]
    looked = await sent(gateway, file, admin, preview="true")
    assert looked.json() == {"success": False, "links": 1, "created": 0, "problems": problems}
    refused = await sent(gateway, file, admin)
    assert refused.status_code == 400
    assert refused.json() == {"error": "2 lines have problems", "code": "lines_invalid", "problems": problems}
    assert len(await gateway.rows(ReferralLink)) == 1


async def test_only_managers_import_links(gateway: Gateway) -> None:
    await gateway.link("FIRST")
    file = b"partner_id,code\n1,SECOND\n"
    assert (await sent(gateway, file, None)).status_code == 401
    for role, bounds in (("partner", {"partner_id": 1}), ("tracking", {"program_id": 1})):
        token = await gateway.token(role, **bounds)  # type: ignore[arg-type]
        refused = await sent(gateway, file, token)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert len(await gateway.rows(ReferralLink)) == 1


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"program": "1"}, "program is unknown. The parameters are: program_id, preview"),
        ({"program_id": "x"}, "program_id must be a number"),
        ({"program_id": "9" * 30}, "program_id must be a number"),
        ({"preview": "1"}, "preview must be true or false"),
    ],
)
async def test_a_parameter_that_makes_no_sense_is_refused(
    gateway: Gateway, parameters: dict[str, Any], error: str
) -> None:
    refused = await sent(gateway, b"partner_id\n1\n", await gateway.token(), **parameters)
    assert (refused.status_code, refused.json()) == (400, {"error": error, "code": "field_invalid"})


@pytest.mark.slow
async def test_a_file_is_bounded_in_lines_and_bytes(gateway: Gateway) -> None:
    await gateway.link("FIRST")
    owner = await gateway.token("program", program_id=1)
    file = b"code,partner_id\n" + b"".join(b"C%d,1\n" % number for number in range(MOST_LINKS))
    assert (await sent(gateway, file, owner)).json()["created"] == MOST_LINKS
    refused = await sent(gateway, file + b"MORE,1\n", owner)
    assert refused.json() == {"error": "file must not have more than 10000 links", "code": "field_invalid"}
    assert (await sent(gateway, b" " * (MOST_BYTES + 1), owner)).status_code == 413
    bomb = gzip.compress(b" " * (MOST_BYTES + 1))
    assert (await sent(gateway, bomb, owner, {"Content-Encoding": "gzip"})).status_code == 413
