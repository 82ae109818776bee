"""Canary tests of the private parts of uvicorn and httptools that the gateway uses: they name the part that changed."""

import asyncio
import inspect
from typing import Any

import httptools
import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.config import STARTUP_FAILURE, Config
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import HANDLED_SIGNALS, Server
from uvicorn.supervisors.multiprocess import Multiprocess

ATTRIBUTES: dict[str, set[str]] = {
    "http": {
        *("app", "app_state", "client", "config", "connections", "cycle", "expect_100_continue", "flow", "headers"),
        *("logger", "access_logger", "access_log", "loop", "parser", "pipeline", "root_path", "scope", "server_state"),
        *("timeout_keep_alive", "transport"),
    },
    "websocket": {"app_state", "client", "conn", "logger", "loop", "transport"},
    "cycle": {
        *("body", "default_headers", "disconnected", "flow", "keep_alive", "message_event", "more_body", "on_response"),
        *("response_complete", "response_started", "scope", "transport", "waiting_for_100_continue"),
    },
}
METHODS: dict[type[Any], set[str]] = {
    HttpToolsProtocol: {
        *("connection_made", "connection_lost", "data_received", "handle_websocket_upgrade", "on_body", "on_header"),
        *("on_headers_complete", "on_message_begin", "on_message_complete", "on_response_complete", "pause_writing"),
        *("resume_writing", "shutdown", "_start_asgi_task", "_unset_keepalive_if_required"),
    },
    WebSocketsSansIOProtocol: {"connection_made", "connection_lost", "data_received", "keepalive_timeout", "shutdown"},
    RequestResponseCycle: {"receive", "run_asgi", "send"},
    FlowControl: {"drain", "pause_reading", "pause_writing", "resume_reading", "resume_writing"},
    Multiprocess: {"handle_term", "run"},
    Server: {"run"},
}


async def _parts() -> dict[str, Any]:
    # With fewer parameters, uvicorn would take it for a factory and call it.
    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    config = Config(app, log_config=None)
    server = Server(config)
    http = HttpToolsProtocol(config, server.server_state, {}, asyncio.get_running_loop())
    flow: Any = None
    cycle = RequestResponseCycle(
        scope={},  # type: ignore[typeddict-item]  # what it is made with is all that is looked at
        transport=flow,
        flow=flow,
        logger=http.logger,
        access_logger=http.access_logger,
        access_log=False,
        default_headers=[],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=True,
        on_response=lambda: None,
    )
    return {
        "http": http,
        "websocket": WebSocketsSansIOProtocol(config, server.server_state, {}),
        "cycle": cycle,
    }


@pytest.mark.parametrize("part", ATTRIBUTES)
async def test_the_attributes_that_we_use_exist(part: str) -> None:
    assert ATTRIBUTES[part] <= set(vars((await _parts())[part]))


@pytest.mark.parametrize("owner", METHODS)
def test_the_methods_that_we_use_exist(owner: type[Any]) -> None:
    assert METHODS[owner] <= {name for name, _ in inspect.getmembers(owner, inspect.isfunction)}


def test_the_constants_are_unchanged() -> None:
    assert STARTUP_FAILURE == 3
    assert HIGH_WATER_LIMIT == 65536
    assert {number.name for number in HANDLED_SIGNALS} == {"SIGINT", "SIGTERM"}
    assert httptools_impl.STATUS_LINE[200] == b"HTTP/1.1 200 OK\r\n"


def test_the_parser_stops_after_the_head_of_a_request_with_an_upgrade() -> None:
    class Seen:
        body = b""

        def on_body(self, body: bytes) -> None:
            self.body += body

    seen = Seen()
    parser = httptools.HttpRequestParser(seen)
    head = b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n"
    with pytest.raises(httptools.HttpParserUpgrade) as stopped:
        parser.feed_data(head + b"{}")
    assert stopped.value.args == (len(head),)
    assert seen.body == b""
    assert parser.should_upgrade()
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
