"""A proxy in front of PostgreSQL that simulates network faults: a lost reply to a commit, and an unresponsive
server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

# PostgreSQL's simple query message: its type byte, the length of the rest, the SQL, a NUL.
COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
BATCH = b"INSERT INTO affiliate_click_"
# A message's type byte and the length of the rest.
PREFIX = 5


class LossyProxy:
    """Forwards everything, except for the replies to the next `lose` COMMITs and single-statement batches, where it
    closes the connection instead. After `silence`, open connections stay open but nothing is forwarded on them."""

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
                    # A Parse message has the statement's name and its SQL.
                    batches.add(data[PREFIX:].split(b"\0")[0])
                # A Bind message has the names of a portal and of a statement.
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
    """Yield the database's URL through the proxy, and the proxy."""
    parts = urlsplit(database_url)
    (host,) = parse_qs(parts.query)["host"]
    proxy = LossyProxy(Path(host) / ".s.PGSQL.5432")
    server = await asyncio.start_unix_server(proxy.serve, folder / ".s.PGSQL.5432")
    async with server:
        yield urlunsplit(parts._replace(query=f"host={quote(str(folder))}")), proxy
