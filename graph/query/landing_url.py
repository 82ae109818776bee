"""The URL that a partner publishes: the landing page with the link's code.

Landing pages and domains may have been stored before they were validated, so the URL is built leniently.
"""

from functools import lru_cache

import can_ada

from graph.domain.site_domains import normalized_domain

# Lists of links show the same URLs again and again.
KEPT_URLS = 4096


@lru_cache(KEPT_URLS)
def landing_url(destination_url: str | None, domain: str | None, code: str) -> str | None:
    """Return the destination, or else the program's site, with the link's `aff` parameter. Returns None if neither is
    set, or if the stored value is not a valid URL."""
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
