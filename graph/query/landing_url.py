"""The URL that a partner publishes: where a link leads, with its code."""

from functools import lru_cache

import can_ada

from graph.domain.site_domains import normalized_domain

# A page of links has some dozens, and comes again and again.
KEPT_URLS = 4096


@lru_cache(KEPT_URLS)
def landing_url(destination_url: str | None, domain: str | None, code: str) -> str | None:
    """Return the destination, or the program's site, with the link's `aff` parameter; None where neither is known, or
    what is stored of them leads nowhere. A domain that was stored before its form was checked is read the same way."""
    if destination_url is None and not domain:
        return None
    try:
        url = can_ada.parse(destination_url or f"https://{normalized_domain(domain or '')}/")
    except ValueError:
        return None
    search = can_ada.URLSearchParams(url.search)
    search["aff"] = code
    url.search = str(search)
    return str(url.href)
