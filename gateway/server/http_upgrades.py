"""Handles the `Upgrade` header (RFC 9110, section 7.8), of which only WebSockets are supported.

The parser stops after the head of a request with an `Upgrade`. Unless it is a WebSocket handshake, the head is parsed
again without the header, so that the request is served as if the header were not there.
"""

from collections.abc import Container, Iterable

Headers = list[tuple[bytes, bytes]]

WEBSOCKET = b"websocket"


def opens_socket(method: bytes, version: str, path: str, headers: Headers, socket_paths: Container[str] | None) -> bool:
    """Return whether a request with an `Upgrade` asks for a WebSocket at a path that has one. Its key and version are
    checked by the WebSocket protocol, which reports what is wrong with them."""
    return (
        method == b"GET"
        and version == "1.1"
        and (socket_paths is None or path in socket_paths)
        and WEBSOCKET in _tokens(headers, b"upgrade")
        and not has_body(headers)
    )


def has_body(headers: Headers) -> bool:
    """Return whether the headers announce a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")) for name, value in headers
    )


def handshake_headers(headers: Headers) -> Headers:
    """Return a handshake's headers with `websocket` as the only offered protocol."""
    return [*((name, value) for name, value in headers if name != b"upgrade"), (b"upgrade", WEBSOCKET)]


def plain_head(method: bytes, url: bytes, version: str, headers: Headers) -> bytes:
    """Return a request's head without its `Upgrade` header."""
    lines = [b"%b %b HTTP/%b" % (method, url, version.encode())]
    lines += (b"%b: %b" % header for header in headers if header[0] != b"upgrade")
    return b"\r\n".join((*lines, b"", b""))


def _tokens(headers: Headers, wanted: bytes) -> Iterable[bytes]:
    return [token.strip().lower() for name, value in headers if name == wanted for token in value.split(b",")]
