"""The limit on open files: it is raised at start, reported if too low, and survived when reached."""

import asyncio
import json
import resource
import socket
import subprocess
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gateway.server import file_descriptors
from tests.support.connection_crowd import crowd
from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link
from tests.support.processes import COMMAND, environment, free_port, ready, serving, stop
from tests.support.raw_http import CLICK, PATH


@pytest.mark.slow
@pytest.mark.parametrize("limit", [64, 100, 256])
async def test_a_gateway_recovers_from_running_out_of_descriptors_at_start(
    make_sqlite: MakeDatabase, tmp_path: Path, limit: int
) -> None:
    url, port, log = make_sqlite(), free_port(), tmp_path / "log"
    await make_link(url)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [COMMAND, "serve", "--port", str(port)],
            env=environment(url),
            stderr=output,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),
        )
    base = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(20):
            while True:
                with closing(socket.socket()) as first:
                    if first.connect_ex(("127.0.0.1", port)) == 0:
                        break
                await asyncio.sleep(0.01)
        async with crowd(port, 500), httpx.AsyncClient(base_url=base, timeout=10) as http:
            assert (await http.post(PATH, content=CLICK)).status_code == 200
        async with httpx.AsyncClient(base_url=base, timeout=10) as http:
            await ready(http, base, process)
            assert (await http.post("/graphql", json={"query": "{ __typename }"})).status_code == 200
            assert (await http.post(PATH, content=CLICK)).status_code == 200
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert [line["level"] for line in lines if line["logger"] == "gateway.server.connection_limits"] == ["warning"]
        assert not [line for line in lines if line["level"] == "error"]
    finally:
        await stop(process)


@pytest.mark.slow
def test_a_too_low_limit_on_open_files_is_reported(make_sqlite: MakeDatabase) -> None:
    done = subprocess.run(
        [COMMAND, "serve", "--port", "0"],
        env=environment(make_sqlite()),
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)),
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("clickgate: the limit on open files is 40")


@pytest.mark.slow
async def test_the_soft_limit_is_raised_to_the_hard_limit(make_sqlite: MakeDatabase) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        async with serving(make_sqlite()) as (process, _):
            assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0] == hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_descriptor_exhaustion_is_told_apart_from_other_errors() -> None:
    assert file_descriptors.is_exhaustion(OSError(24, "Too many open files"))
    assert file_descriptors.is_exhaustion(ImportError("libx.so: Too many open files"))
    assert not file_descriptors.is_exhaustion(ImportError("it is broken"))
    wrapped = RuntimeError("no schema")
    wrapped.__cause__ = OSError(23, "Too many open files in system")
    assert file_descriptors.is_exhaustion(wrapped)
