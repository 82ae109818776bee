"""What the OpenAPI document says of the import of links."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from graph.domain.link_files import COLUMNS, MOST_BYTES, MOST_LINKS
from rest.link_import import PATH, LinesInvalid, LinksImported
from rest.openapi.exports import DescribeProblem

TYPES: tuple[type[Struct], ...] = (LinksImported, LinesInvalid)
PROBLEMS = {
    "401": "The token is missing, unknown, expired or revoked",
    "403": "The token is not an administrator's or a program's own",
    "413": f"The body is larger than {MOST_BYTES} bytes",
    "415": "The body's content coding is neither gzip nor deflate",
    "429": "The client has exceeded the rate limit",
    "500": "Unexpected error; the log entry has the id in `Clickgate-Fault`",
    "503": "The database is unavailable",
}
PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "program_id",
        "in": "query",
        "required": False,
        "description": "The program of lines that name none. A program's own token needs none.",
        "schema": {"type": "integer"},
    },
    {
        "name": "preview",
        "in": "query",
        "required": False,
        "description": "Only find what an import would find.",
        "schema": {"type": "boolean", "default": False},
    },
]


def import_paths(
    problem: DescribeProblem, schema_of: Mapping[type[Struct], dict[str, Any]], security: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the path of the import."""
    refused = {"anyOf": [schema_of[LinesInvalid], problem("400", "")["content"]["application/json"]["schema"]]}
    operation = {
        "operationId": "importLinks",
        "summary": "Create the links of a CSV file, all of them or none",
        "description": f"The first line names the columns, `partner_id` and any of the others: {', '.join(COLUMNS)}. "
        f"Links without a code get one. A file has at most {MOST_LINKS} links.",
        "security": security,
        "parameters": PARAMETERS,
        "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}},
        "responses": {
            "200": _answer("The links were created, or looked at", schema_of[LinksImported]),
            "400": _answer("Lines have problems, or the file cannot be read; nothing was created", refused),
            **{status: problem(status, description) for status, description in PROBLEMS.items()},
        },
    }
    return {PATH: {"post": operation}}


def _answer(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
