"""Derives what a click is described by from its other fields.

New clicks get these fields as they are recorded, and stored clicks from before there were such fields get them in the
background (`db.backfill`), both from the same function.
"""

from collections.abc import Mapping

from db.schema.url_parts import normal_host, page_of, stored_part
from graph.domain.affiliate_urls import read_affiliate_url
from graph.domain.errors import AffiliateUrlInvalid
from graph.domain.url_parameters import NONE_FOUND


def derived_fields(
    affiliate_url: str | None,
    page_url: str | None,
    referrer_host: str | None,
    parameters: Mapping[str, str | None] | None = None,
) -> dict[str, str | None]:
    """Return the values of `DERIVED_FIELDS` as they are stored, by name and in their order. `parameters` are those of
    `affiliate_url`, where it was read already; those of an invalid URL are None."""
    return {
        "referrer_host": (normal_host(stored_part(referrer_host)) or None) if referrer_host else None,
        "landing_page": _page(page_url) or _page(affiliate_url) or None,
        **(_parameters(affiliate_url) if parameters is None else parameters),
    }


def _parameters(affiliate_url: str | None) -> Mapping[str, str | None]:
    try:
        return read_affiliate_url((affiliate_url or "").replace("\0", "")).parameters
    except AffiliateUrlInvalid:
        return NONE_FOUND


def _page(url: str | None) -> str | None:
    return page_of(url.replace("\0", "")) if url else None
