"""Notes which sites load the tracker script."""

from graph.domain.context import Services
from graph.domain.site_domains import InvalidDomain, normalized_domain

# No page's origin is longer; browsers send no more than that to another site.
LONGEST_URL = 2048


def note_site(services: Services, page_url: str) -> None:
    """Note that a page, named by its URL or its origin, loads the script. Anything else is ignored."""
    if len(page_url) > LONGEST_URL:
        return
    try:
        services.tracker_sites.note(normalized_domain(page_url))
    except InvalidDomain:
        return
