"""Uvicorn in the tests' process, without its pauses when it stops."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

# The most that a gateway takes; a server that takes longer fails the test.
STOP_SECONDS = 15


class PromptServer(uvicorn.Server):
    """A server that stops at once. Uvicorn checks ten times a second whether to stop and then waits another tenth of a
    second. With one server per test, that adds up to minutes."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def main_loop(self) -> None:
        ticking = asyncio.create_task(super().main_loop())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((ticking, stopping), return_when=asyncio.FIRST_COMPLETED)
        ticking.cancel()
        stopping.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        async with asyncio.timeout(STOP_SECONDS):
            while self.server_state.connections or self.server_state.tasks:
                await asyncio.sleep(0.005)
        await self.lifespan.shutdown()


@asynccontextmanager
async def running_server(config: uvicorn.Config) -> AsyncIterator[int]:
    """Run a server on a port that the kernel chooses; yield the port."""
    server = PromptServer(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            raise RuntimeError("the server did not start")
        await asyncio.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.stop()
        await serving
