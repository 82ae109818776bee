"""The OpenAPI 3.1 document, generated from the types that the endpoints decode and encode."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib.metadata import version
from typing import Any

from msgspec import Struct
from msgspec.json import schema_components
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.responses import Response as HTTPResponse

from rest.exports.endpoint import Ready
from rest.openapi import imports, sessions
from rest.openapi.exports import export_paths
from rest.openapi.imports import import_paths
from rest.openapi.operations import BEARER, BODY_PROBLEMS, OPERATIONS, PROBLEMS, Operation
from rest.openapi.sessions import COOKIE, SCHEME, session_paths
from rest.responses import Problem

RETRY_AFTER = {"description": "Seconds to wait before a retry", "schema": {"type": "integer"}}


class OpenAPIEndpoint:
    """Serves the document. `ready` returns once `graph.exports` can be imported."""

    def __init__(self, root_path: str, ready: Ready) -> None:
        self._root_path = root_path
        self._ready = ready

    async def answer(self, _request: Request) -> HTTPResponse:
        """Answer with the document."""
        await self._ready()
        return JSONResponse(document(self._root_path), headers={"Access-Control-Allow-Origin": "*"})


@cache
def document(root_path: str = "") -> dict[str, Any]:
    """Return the document, with the root path as its server URL."""
    described = (each for operation in OPERATIONS.values() for each in _types(operation))
    types = list(dict.fromkeys([*described, *imports.TYPES, *sessions.TYPES]))
    references, schemas = schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(types, references, strict=True))
    problem = partial(_problem, problem=schema_of[Problem])
    either = [{BEARER: ()}, {COOKIE: ()}]
    files = export_paths(problem, either) | import_paths(problem, schema_of, either)
    others = files | session_paths(problem, schema_of, {BEARER: ()})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "clickgate",
            "version": version("clickgate"),
            "description": "Records affiliate clicks, and the leads, sales and refunds that follow them. Clicks need "
            "no token: a referral link is the only credential. Sales and refunds need a token of their program, and "
            "exports one that may read.",
        },
        "servers": [{"url": root_path or "/"}],
        "paths": {path: {each.method: _operation(each, schema_of)} for path, each in OPERATIONS.items()} | others,
        "components": {
            "schemas": schemas,
            "securitySchemes": {BEARER: {"type": "http", "scheme": "bearer"}, COOKIE: SCHEME},
        },
    }


def _types(operation: Operation) -> Sequence[type[Struct]]:
    body = () if operation.body is None else (operation.body,)
    return *body, *operation.answers, *operation.errors.values(), Problem


def _operation(operation: Operation, schema_of: Mapping[type[Struct], dict[str, Any]]) -> dict[str, Any]:
    success = {"schema": {"anyOf": [schema_of[answer] for answer in operation.answers]}}
    problems = {**operation.problems, **PROBLEMS, **({} if operation.body is None else BODY_PROBLEMS)}
    responses = {
        "200": {"description": operation.success, "content": {"application/json": success}},
        **{
            status: _problem(status, problem, schema_of[operation.errors.get(status, Problem)])
            for status, problem in problems.items()
        },
    }
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
    }
    if operation.security:
        described["security"] = operation.security
    if operation.parameters:
        described["parameters"] = operation.parameters
    if operation.body is not None:
        body = {"schema": schema_of[operation.body]}
        described["requestBody"] = {"required": True, "content": {"application/json": body, "text/plain": body}}
    return {**described, "responses": dict(sorted(responses.items()))}


def _problem(status: str, description: str, problem: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": description, "content": {"application/json": {"schema": problem}}}
    if status in ("429", "503"):
        answer["headers"] = {"Retry-After": RETRY_AFTER}
    return answer
