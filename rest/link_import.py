"""The endpoint `POST /api/v1/import/links`, which creates the links of a CSV file: all of them, or none."""

import asyncio
from typing import Annotated
from urllib.parse import parse_qsl

from msgspec import Meta, Struct
from starlette.types import Receive, Scope

from graph.domain.context import Services
from graph.domain.errors import FieldInvalid
from graph.domain.link_files import LARGEST_ID, MOST_BYTES
from graph.domain.link_import import import_links, preview
from graph.domain.permissions import check_manager
from graph.http.body import read_body
from graph.http.caller import credential
from rest.conversions import identified_as
from rest.endpoint import Endpoint, Response

PATH = "/api/v1/import/links"
NOT_COUNTED = ""
"""The outcome of these requests, which are few: no metric counts them."""
FLAGS = {"true": True, "false": False}


class LineProblem(Struct, frozen=True):
    """What is wrong with a line of the file."""

    line: Annotated[int, Meta(description="The line, as an editor numbers it.")]
    field: Annotated[str | None, Meta(description="The column to blame; null if it is not a single one.")]
    problem: Annotated[str, Meta(description="A message for people, which follows the field's name if there is one.")]


class LinksImported(Struct, frozen=True):
    """The links were created, or a preview found what an import would find."""

    success: Annotated[bool, Meta(description="Whether no line has a problem.")]
    links: Annotated[int, Meta(description="How many lines are links without a problem.")]
    created: Annotated[int, Meta(description="How many links were created: all, or 0 for a preview.")]
    problems: list[LineProblem]


class LinesInvalid(Struct, frozen=True):
    """Some lines have problems. No link was created."""

    error: Annotated[str, Meta(description="A message for people.")]
    code: Annotated[str, Meta(extra_json_schema={"const": "lines_invalid"})]
    problems: list[LineProblem]


class LinkImportEndpoint(Endpoint):
    """Imports links. One file at a time, as ten thousand links take a second."""

    failure = "Import failed"

    def __init__(self) -> None:
        super().__init__()
        self._turn = asyncio.Semaphore(1)

    def count(self, services: Services, outcome: str) -> None:
        """Count nothing."""

    async def track(self, services: Services, scope: Scope, receive: Receive) -> Response:
        context = await identified_as(services, scope, check_manager, credential)
        program_id, is_preview = _parameters(scope["query_string"])
        data = await read_body(scope, receive, MOST_BYTES)
        async with self._turn:
            done = await (preview if is_preview else import_links)(context, data, program_id)
        problems = [LineProblem(each.line, each.field, each.problem) for each in done.problems]
        if problems and not is_preview:
            lines = f"{len(problems)} lines have" if len(problems) > 1 else "1 line has"
            return Response(NOT_COUNTED, 400, LinesInvalid(f"{lines} problems", "lines_invalid", problems))
        return Response(NOT_COUNTED, 200, LinksImported(not problems, len(done.links), done.created, problems))


def _parameters(query: bytes) -> tuple[int | None, bool]:
    """Return the program of lines that name none, and whether only to look. Raises `FieldInvalid`."""
    given = dict(parse_qsl(query.decode(errors="replace"), keep_blank_values=True))
    if unknown := given.keys() - {"program_id", "preview"}:
        raise FieldInvalid(min(unknown), "is unknown. The parameters are: program_id, preview")
    program_id, is_preview = given.get("program_id"), FLAGS.get(given.get("preview", "false"))
    if is_preview is None:
        raise FieldInvalid("preview", "must be true or false")
    if program_id is None:
        return None, is_preview
    if not (program_id.isascii() and program_id.isdigit() and len(program_id) < len(str(LARGEST_ID))):
        raise FieldInvalid("program_id", "must be a number")
    return int(program_id), is_preview
