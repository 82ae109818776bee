"""The OpenAPI 3.1 document, generated from the types that the click endpoint decodes and encodes."""

from functools import cache
from importlib.metadata import version
from typing import Any

from msgspec.json import schema_components
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from graph.domain.visit import Visit
from graph.http.body import BODY_BYTES
from rest.clicks import PATH
from rest.responses import ClickRecorded, ClickRefused, Problem, TestRecorded

PROBLEMS = {
    "400": "The request names no valid referral link, or a field is invalid; do not retry",
    "413": f"The body is larger than {BODY_BYTES} bytes",
    "415": "The body's content coding is neither gzip nor deflate",
    "429": "The client has exceeded the rate limit",
    "500": "Unexpected error; the log entry has the id in `Clickgate-Fault`",
    "503": "Too many clicks are waiting, or the database is unavailable",
}
RETRY_AFTER = {"description": "Seconds to wait before a retry", "schema": {"type": "integer"}}


class OpenAPIEndpoint:
    """Serves the document."""

    def __init__(self, root_path: str = "") -> None:
        self._root_path = root_path

    async def answer(self, _request: Request) -> Response:
        """Answer with the document."""
        return JSONResponse(document(self._root_path), headers={"Access-Control-Allow-Origin": "*"})


@cache
def document(root_path: str = "") -> dict[str, Any]:
    """Return the document, with the root path as its server URL."""
    types = (Visit, ClickRecorded, TestRecorded, ClickRefused, Problem)
    (visit, *answers, problem), schemas = schema_components(types, ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "clickgate",
            "version": version("clickgate"),
            "description": "Records affiliate clicks. The API is public: a referral link is the only credential.",
        },
        "servers": [{"url": root_path or "/"}],
        "paths": {PATH: {"post": _track_click(visit, answers, problem)}},
        "components": {"schemas": schemas},
    }


def _track_click(visit: dict[str, Any], answers: list[dict[str, Any]], problem: dict[str, Any]) -> dict[str, Any]:
    recorded = {
        "description": "The click or test event was recorded, or the link is inactive",
        "content": {"application/json": {"schema": {"anyOf": answers}}},
    }
    return {
        "operationId": "trackClick",
        "summary": "Record a visitor's landing through a referral link",
        "description": "The response is sent after the click has been committed. The body is parsed as JSON whatever "
        "its content type.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": visit}, "text/plain": {"schema": visit}},
        },
        "responses": {"200": recorded} | {status: _problem(status, problem) for status in PROBLEMS},
    }


def _problem(status: str, problem: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": PROBLEMS[status],
        "content": {"application/json": {"schema": problem}},
    }
    if status in ("429", "503"):
        answer["headers"] = {"Retry-After": RETRY_AFTER}
    return answer
