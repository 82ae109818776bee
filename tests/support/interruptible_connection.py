"""A connection to a server that a test can interrupt and restore, to simulate a gateway that is down for a while."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

SECONDS = 20


class Line:
    """Forwards bytes in both directions until it is interrupted, which disconnects all clients at once."""

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.refused = 0
        self._server_port = server_port
        self._is_cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self._asking: set[asyncio.StreamWriter] = set()

    @property
    def asking(self) -> int:
        """The number of clients that sent a request and are waiting for the response."""
        return len(self._asking)

    def cut(self) -> None:
        self._is_cut = True
        for writer in self._open:
            writer.close()

    def mend(self) -> None:
        self._is_cut, self.refused = False, 0

    async def asked(self, times: int) -> None:
        """Wait until clients have tried to connect a number of times since the interruption."""
        async with asyncio.timeout(SECONDS):
            while self.refused < times:
                await asyncio.sleep(0.01)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            self.refused += 1
            writer.close()
            return
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._open |= {writer, server_writer}
        asked = partial(self._asking.add, writer)
        answered = partial(self._asking.discard, writer)
        await asyncio.gather(_pass(reader, server_writer, asked), _pass(server_reader, writer, answered))
        answered()
        self._open -= {writer, server_writer}


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Callable[[], None]) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            note()
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def running_line(server_port: int) -> AsyncIterator[Line]:
    """Forward connections to a port on the loopback address."""
    line = Line(server_port)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    async with server:
        yield line
        line.cut()
