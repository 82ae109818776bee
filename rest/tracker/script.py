"""Serves the tracker script, `GET /js/affitor-tracker.js`, minified and compressed once at start-up.

Its headers allow pages of any origin to load it, and browsers to cache it for an hour.
"""

import gzip
import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from graph.http.content_negotiation import takes_gzip
from graph.integrations.tracker_sites import note_site
from rest.clicks import PATH
from rest.tracker.minifier import minified

# The name that existing installations use, and a neutral one.
PATHS = ("/js/affitor-tracker.js", "/js/tracker.js")
SOURCE = Path(__file__).with_name("tracker.js")
HEADERS = {
    # A new version reaches every page within two hours, and no visitor waits for it.
    "Cache-Control": "public, max-age=3600, stale-while-revalidate=3600",
    "Vary": "Accept-Encoding",
    "Access-Control-Allow-Origin": "*",
    # Pages with a Cross-Origin-Embedder-Policy load only scripts with this header.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Representation:
    """The script in one content coding, with a strong ETag."""

    body: bytes
    headers: dict[str, str]


class TrackerScript:
    """The script, which posts clicks to a path at its own origin."""

    def __init__(self, click_path: str = PATH) -> None:
        script = minified(SOURCE.read_text()).replace(json.dumps(PATH), json.dumps(click_path)).encode()
        tag = sha256(script).hexdigest()[:32]
        self._plain = Representation(script, HEADERS | {"ETag": f'"{tag}"'})
        self._gzipped = Representation(
            gzip.compress(script, mtime=0), HEADERS | {"ETag": f'"{tag}-gzip"', "Content-Encoding": "gzip"}
        )

    async def answer(self, request: Request) -> Response:
        """Answer with the script, or with 304 if the browser already has it, and note which site loads it."""
        if (page := request.headers.get("Referer") or request.headers.get("Origin")) is not None:
            note_site(request.state.services, page)
        chosen = self._gzipped if takes_gzip(request.headers.get("Accept-Encoding")) else self._plain
        held = {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}
        if held & {"*", chosen.headers["ETag"]}:
            return Response(status_code=304, headers=chosen.headers)
        return Response(chosen.body, headers=chosen.headers, media_type="text/javascript")
