"""A proxy before PostgreSQL with a network's faults: it loses the answer to a commit, or falls silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

# PostgreSQL's simple query message: its letter, the length of what follows, the text, a NUL.
COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
BATCH = b"INSERT INTO affiliate_click_events"
# Of a message, its letter and the length of what follows.
PREFIX = 5


class LossyProxy:
    """Passes everything on, but for the answers to the next `lose` COMMITs and batches, which are transactions of one
    statement: there it hangs up instead. Connections that are open when it is told to `silence` them stay open, and
    nothing passes any more."""

    def __init__(self, server_socket: Path) -> None:
        self._server_socket = server_socket
        self.lose = 0
        self.lost = 0
        self._silenced: set[asyncio.StreamWriter] = set()
        self._open: set[asyncio.StreamWriter] = set()

    def silence(self) -> None:
        self._silenced |= self._open

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self._server_socket)
        committing = asyncio.Event()
        batches: set[bytes] = set()
        self._open.add(writer)
        answers = asyncio.create_task(self._answers(server_reader, writer, committing))
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if writer in self._silenced:
                    continue
                if data.startswith(b"P") and BATCH in data:
                    # The message Parse has the statement's name and its text.
                    batches.add(data[PREFIX:].split(b"\0")[0])
                # Bind has a portal's name and a statement's.
                is_batch = data.startswith(b"B") and data[PREFIX:].split(b"\0")[1] in batches
                if self.lose and (is_batch or data.endswith(COMMIT)):
                    self.lose -= 1
                    committing.set()
                server_writer.write(data)
                await server_writer.drain()
        answers.cancel()
        self._open.discard(writer)
        server_writer.close()
        writer.close()

    async def _answers(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, committing: asyncio.Event
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if committing.is_set():
                    self.lost += 1
                    break
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def lossy_proxy(database_url: str, folder: Path) -> AsyncIterator[tuple[str, LossyProxy]]:
    """Yield the URL of the database through the proxy, and the proxy."""
    parts = urlsplit(database_url)
    (host,) = parse_qs(parts.query)["host"]
    proxy = LossyProxy(Path(host) / ".s.PGSQL.5432")
    server = await asyncio.start_unix_server(proxy.serve, folder / ".s.PGSQL.5432")
    async with server:
        yield urlunsplit(parts._replace(query=f"host={quote(str(folder))}")), proxy
