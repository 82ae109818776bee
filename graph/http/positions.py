"""What a caller must see, told from one request to the next: a position in the database's log, where it has a replica.

The answer to a mutation names it in a header, and to a browser with a session in a cookie, which it sends along by
itself. Whichever process gets the next request then reads from a replica only if that has come as far.
"""

import re
from collections.abc import Mapping

from starlette.requests import cookie_parser
from starlette.types import Scope

from graph.domain.context import Context
from graph.http.session_cookie import flagged

HEADER, COOKIE = "Clickgate-Position", "clickgate_position"
POSITION = re.compile(r"[0-9]{1,18}")
# A replica that is further behind is left out.
COOKIE_SECONDS = 60


def position_in(scope: Scope) -> int:
    """Return the furthest position that a request names, or 0. Anything else there is ignored, because a later one only
    costs a replica's help."""
    named = []
    for name, value in scope["headers"]:
        text = bytes(value).decode(errors="replace")
        if name == HEADER.lower().encode():
            named.append(text.strip())
        elif name == b"cookie":
            named.append(cookie_parser(text).get(COOKIE, ""))
    return max((int(text) for text in named if POSITION.fullmatch(text)), default=0)


def position_headers(scope: Scope, context: Context) -> Mapping[str, str]:
    """Return the headers of the answer to a mutation."""
    viewer = context.viewer
    position = None if viewer is None else context.services.written.get(viewer)
    if viewer is None or position is None:
        return {}
    headers = {HEADER: str(position)}
    if viewer.session_id is not None:
        headers["Set-Cookie"] = flagged(scope, f"{COOKIE}={position}", COOKIE_SECONDS)
    return headers
