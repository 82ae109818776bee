"""`GET /js/affitor-tracker.js`: the tracker script, minified and compressed once, when the process starts.

Pages of any origin load it, so its headers let them, and let browsers keep it for an hour.
"""

import gzip
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from rest.clicks import PATH
from rest.tracker.minifier import minified

# The name that existing installations have, and a neutral one.
PATHS = ("/js/affitor-tracker.js", "/js/tracker.js")
# Weighed with zero, it is refused.
GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", re.IGNORECASE)
SOURCE = Path(__file__).with_name("tracker.js")
HEADERS = {
    # An upgrade reaches every page within two hours, and no visitor waits for it.
    "Cache-Control": "public, max-age=3600, stale-while-revalidate=3600",
    "Vary": "Accept-Encoding",
    "Access-Control-Allow-Origin": "*",
    # A page that isolates itself (COEP) takes no script that does not say so.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Representation:
    """The script in one encoding, with a strong tag: it changes with every byte."""

    body: bytes
    headers: dict[str, str]


class TrackerScript:
    """The script that posts clicks to one path of the origin that it came from."""

    def __init__(self, click_path: str = PATH) -> None:
        script = minified(SOURCE.read_text()).replace(json.dumps(PATH), json.dumps(click_path)).encode()
        tag = sha256(script).hexdigest()[:32]
        self._plain = Representation(script, HEADERS | {"ETag": f'"{tag}"'})
        self._gzipped = Representation(
            gzip.compress(script, mtime=0), HEADERS | {"ETag": f'"{tag}-gzip"', "Content-Encoding": "gzip"}
        )

    async def answer(self, request: Request) -> Response:
        """Answer with the script, or with 304 to a browser that has it."""
        chosen = self._gzipped if _takes_gzip(request.headers.get("Accept-Encoding", "")) else self._plain
        held = {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}
        if held & {"*", chosen.headers["ETag"]}:
            return Response(status_code=304, headers=chosen.headers)
        return Response(chosen.body, headers=chosen.headers, media_type="text/javascript")


def _takes_gzip(accepted: str) -> bool:
    return GZIP.search(accepted) is not None
