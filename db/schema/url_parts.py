"""What is stored of a click's URLs, apart from the URLs themselves: named parameters, pages and hosts.

The list of fields and the filters of lists share it with the code that derives the fields (`graph.domain`).
"""

from collections.abc import Mapping

PART_LENGTH = 255
UTM: Mapping[str, str] = {
    "utm_source": "Where the visitors of a campaign come from, such as `newsletter`",
    "utm_medium": "The campaign's medium, such as `email`",
    "utm_campaign": "The campaign's name",
    "utm_term": "The campaign's keyword",
    "utm_content": "What tells a campaign's links apart, such as `banner`",
}
"""The parameters of campaigns, with their meanings."""
SUBS: Mapping[str, str] = {f"sub{number}": f"The partner's own tag {number}" for number in range(1, 6)}
"""The parameters that partners use as they like, with their meanings."""


def _sub_spellings(number: str) -> tuple[str, ...]:
    names = (f"sub{number}", f"sub_id{number}", f"subid{number}", f"aff_sub{number}")
    if number != "1":
        return names
    return ("sub1", *(name for numbered in names[1:] for name in (numbered, numbered.removesuffix(number))))


PARAMETERS: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in UTM},
    **{name: _sub_spellings(name[-1]) for name in SUBS},
}
"""By field, the names of its parameter in `affiliate_url`. The first one that is present and not empty counts."""


def stored_part(text: str) -> str:
    """Return as much of a parameter's value or a host as is stored, without NULs."""
    return text.replace("\0", "")[:PART_LENGTH]


def normal_host(host: str) -> str:
    """Return a host in the one spelling that is stored."""
    return host.lower().rstrip(".")


def page_of(url: str) -> str:
    """Return the page that a URL leads to, as it is stored: without query and fragment, cut to its length."""
    return without_query(url)[:PART_LENGTH]


def without_query(url: str) -> str:
    """Return a URL without its query and fragment."""
    return url.partition("?")[0].partition("#")[0]
