"""A real nginx that serves a site from `examples/nginx` on loopback ports."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.example_files import filled
from tests.support.processes import free_port

# The settings of Debian's nginx.conf around a site, with the test's folders in place of root's.
CONFIGURATION = """
daemon off;
worker_processes 1;
{user}
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    access_log {folder}/access.log;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx: its site's URL, its port for plain HTTP, and its clients' SSL context."""

    url: str
    plain_port: int
    trust: ssl.SSLContext
    folder: Path


def command(name: str) -> str:
    """Return a program's path. If it is not installed, skip the test, or fail it where nothing may be skipped."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        reason = f"there is no {name} on this machine: `apt-get install {name}` brings it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def running_nginx(site: str, folder: Path, placeholders: dict[str, str]) -> Iterator[Nginx]:
    """Run a site. Ports and certificate are filled in here, the other placeholders as given."""
    program = command("nginx")
    secure_port, plain_port = free_port(), free_port()
    certificate, key = _certificate(folder)
    text = filled(f"nginx/{site}", {"    listen 443 ssl;": f"    listen 127.0.0.1:{secure_port} ssl;", **placeholders})
    text = text.replace("    listen 80;", f"    listen 127.0.0.1:{plain_port};")
    # Test environments often have no IPv6.
    text = re.sub(r"    listen \[::\]:.*\n", "", text)
    text = re.sub(r"/etc/ssl/\S+/fullchain.pem", str(certificate), text)
    text = re.sub(r"/etc/ssl/\S+/privkey.pem", str(key), text)
    (folder / "site.conf").write_text(text)
    # Its worker would not run as root, and so could not read the test's folder.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, user=user))
    process = subprocess.Popen(
        [program, "-p", str(folder), "-c", str(configuration), "-e", str(folder / "error.log")],
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(secure_port, process, folder / "error.log")
        trust = ssl.create_default_context(cafile=str(certificate))
        yield Nginx(f"https://127.0.0.1:{secure_port}", plain_port, trust, folder)
    finally:
        process.terminate()
        process.wait(10)


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Create a self-signed certificate for the loopback address, and its key."""
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    subprocess.run(
        [
            *(command("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", "/CN=clicks.shop.example"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return certificate, key


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"nginx did not start: {log.read_text() if log.exists() else ''}")
