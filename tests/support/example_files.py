"""The files in `examples/`, with their placeholders filled in as a reader would."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

EXAMPLES = Path(__file__).parents[2] / "examples"


def filled(name: str, placeholders: Mapping[str, str]) -> str:
    """Return an example file's text with placeholders replaced; each must occur in it."""
    text = (EXAMPLES / name).read_text()
    for placeholder, value in placeholders.items():
        assert placeholder in text, f"{name} has no {placeholder}"
        text = text.replace(placeholder, value)
    return text


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without logging each request to standard error."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder like `python3 -m http.server`; yield its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
