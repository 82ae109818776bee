"""Opens the listening sockets: one for each address of a host name, or a Unix socket."""

import logging
import os
import socket
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.configuration.errors import CannotListen
from gateway.configuration.settings import Settings

logger = logging.getLogger(__name__)

# The kernel's buffer per connection and direction, which grows to several MiB by default. A body has at most 64 KiB,
# and a client that does not read its responses is disconnected.
BUFFER_BYTES = 128 * 1024
# Anyone may post a click. To restrict access to the socket, restrict access to its folder.
UDS_MODE = 0o666
ANY_ADDRESS = "::"


@contextmanager
def open_listeners(settings: Settings) -> Iterator[list[socket.socket]]:
    """Yield the listening sockets, and remove the file of a Unix socket afterwards.

    Raises `CannotListen`.
    """
    if settings.uds is None:
        sockets = _address_sockets(settings.host, settings.port)
        port = sockets[0].getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        logger.info("listening on http://%s:%d%s", host, port, settings.root_path)
        yield sockets
    else:
        with _unix_socket(settings.uds) as listener:
            logger.info("listening on the Unix socket %s", settings.uds)
            yield [listener]


def _address_sockets(host: str, port: int) -> list[socket.socket]:
    """Return a socket for each address of a host name."""
    sockets: list[socket.socket] = []
    try:
        for family, _, protocol, _, address in _addresses(host, port):
            listener = socket.socket(family, socket.SOCK_STREAM, protocol)
            sockets.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != ANY_ADDRESS)
            _bound_buffers(listener)
            # If the kernel chose the port of the first socket, the others use the same one.
            listener.bind((address[0], port or _port(sockets[0]), *address[2:]))
    except OSError as error:
        for listener in sockets:
            listener.close()
        raise CannotListen(f"cannot listen on {host}, port {port}: {error.strerror or error}") from error
    return sockets


def _addresses(host: str, port: int) -> Sequence[tuple[int, int, int, str, tuple[str | int, ...]]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys(found))  # type: ignore[arg-type]  # enumerations of the same integers


def _port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def _bound_buffers(listener: socket.socket) -> None:
    # Accepted connections inherit the buffer sizes.
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        listener.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)


@contextmanager
def _unix_socket(path: Path) -> Iterator[socket.socket]:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        listener.bind(str(path))
        path.chmod(UDS_MODE)
    except OSError as error:
        listener.close()
        raise CannotListen(f"cannot listen on {path}: {error.strerror or error}") from error
    made = _identity(path)
    try:
        yield listener
    finally:
        listener.close()
        # Another gateway may have replaced the file with its own.
        with suppress(OSError):
            if _identity(path) == made:
                path.unlink()


def _remove_stale(path: Path) -> None:
    """Remove the socket file of a gateway that ended without removing it. Raises `OSError` for any other file."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(None, "the file exists and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except TimeoutError:
            pass
    raise OSError(None, "another process is listening on it")


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino
