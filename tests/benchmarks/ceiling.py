"""The upper limit: an application that parses the click's JSON body, returns a constant response and records nothing.

`app` is a Starlette route, `raw_app` a bare ASGI application. No server can be faster on the same machine at the same
time, which makes it the reference for the gateway's cost.
"""

from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

CONSTANT = msgspec.json.encode(
    {"success": True, "click_id": "cust_42_1715000000000", "partner_code": "CODE0042", "cookie_window_days": 60}
)
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(CONSTANT)).encode())]

_decode = msgspec.json.Decoder(dict[str, Any]).decode


async def _click(request: Request) -> Response:
    _decode(await request.body())
    return Response(CONSTANT, media_type="application/json")


app = Starlette(routes=[Route("/api/v1/track/click", _click, methods=["POST"])])


async def raw_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond like `app`, with nothing between this function and the server."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    _decode(body)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": CONSTANT})
