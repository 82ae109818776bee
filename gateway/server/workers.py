"""The supervisor of several worker processes, based on uvicorn's."""

import signal
import sys
from socket import socket

from uvicorn.config import STARTUP_FAILURE, Config
from uvicorn.supervisors.multiprocess import Multiprocess

from gateway.server.signals import STOP_SIGNALS, active_stop_signals


class Workers(Multiprocess):
    """Supervises worker processes that accept connections from the same sockets. Every signal that stops a single
    process stops all of them, and a worker that fails to start stops the others."""

    def __init__(self, config: Config, sockets: list[socket]) -> None:
        ignored = [number for number in STOP_SIGNALS if number not in active_stop_signals()]
        super().__init__(config, sockets)
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)

    def run(self) -> None:
        """Run the workers until they are stopped. Exits with `STARTUP_FAILURE` if one failed to start."""
        super().run()
        if any(process.exitcode == STARTUP_FAILURE for process in self.processes):
            sys.exit(STARTUP_FAILURE)

    def handle_hup(self) -> None:
        self.handle_term()

    def handle_quit(self) -> None:
        self.handle_term()
