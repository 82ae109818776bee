"""Requests that ask to change the connection's protocol (RFC 9110, section 7.8): only a WebSocket is ever opened.

The parser takes everything after such a request's head for another protocol's, so a request that is not a handshake is
given to it again without its `Upgrade`.
"""

from collections.abc import Container, Iterable

Headers = list[tuple[bytes, bytes]]

WEBSOCKET = b"websocket"


def opens_socket(method: bytes, version: str, path: str, headers: Headers, socket_paths: Container[str] | None) -> bool:
    """Return whether a request with an `Upgrade` is meant to open a WebSocket where there is one. Whether its key and
    version are good is left to the WebSocket's own protocol, which names what is wrong."""
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
    """Return a handshake's headers with the one protocol that is chosen of those that it offers."""
    return [*((name, value) for name, value in headers if name != b"upgrade"), (b"upgrade", WEBSOCKET)]


def plain_head(method: bytes, url: bytes, version: str, headers: Headers) -> bytes:
    """Return a request's head as if it had no `Upgrade`."""
    lines = [b"%b %b HTTP/%b" % (method, url, version.encode())]
    lines += (b"%b: %b" % header for header in headers if header[0] != b"upgrade")
    return b"\r\n".join((*lines, b"", b""))


def _tokens(headers: Headers, wanted: bytes) -> Iterable[bytes]:
    return [token.strip().lower() for name, value in headers if name == wanted for token in value.split(b",")]
