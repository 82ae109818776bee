"""The domain of an advertiser's site, in the normalized form in which it is stored and published.

People paste what their browser shows: a URL, capitals, a trailing dot, letters of any script. Parsing is left to the
URL Standard (ada's parser), including the punycode form of internationalized domains (UTS #46).
"""

import re
from typing import Any

import can_ada

SCHEME = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?//")
# RFC 1035, section 2.3.4. The label is ASCII by then; like browsers, it allows underscores.
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
LONGEST = 253
# Some scripts need joiners within words (RFC 5892, appendix A); the parser knows where they are valid.
JOINERS = "\u200c\u200d"
IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
# Sites are published as https, so default ports carry no information.
SCHEMES, DEFAULT_PORTS = ("", "http", "https"), ("80", "443")

NO_DOMAIN = "must be a domain such as yoursite.com"


class InvalidDomain(ValueError):
    """The text is not a domain; the message says why."""


def normalized_domain(text: str) -> str:
    """Return the host in a text, with its port unless that is 80 or 443: `https://Shop.Example./a` becomes
    `shop.example`, and `bücher.example` becomes `xn--bcher-kva.example`. Raises `InvalidDomain`.

    Only an http or https scheme, a path, a query, a fragment and a trailing dot are removed. A user name is rejected:
    whoever enters `shop.example@evil.example` does not mean the latter.
    """
    text = text.strip()
    if any(each.isspace() or not (each.isprintable() or each in JOINERS) for each in text):
        raise InvalidDomain("must not contain spaces or control characters")
    scheme, rest = "", text
    if match := SCHEME.match(text):
        scheme, rest = (match[1] or "").lower(), text[match.end() :]
    if scheme not in SCHEMES:
        raise InvalidDomain(f"{NO_DOMAIN}; its scheme can only be http or https")
    url = _parsed(rest)
    host, port = str(url.hostname).removesuffix("."), str(url.port)
    if url.username or url.password or "@" in re.split(r"[/?#\\]", rest, maxsplit=1)[0]:
        raise InvalidDomain("must be a domain without a user name")
    domain = host if not port or port in DEFAULT_PORTS else f"{host}:{port}"
    if len(domain) > LONGEST or port == "0" or not _is_host(host, rest, has_port=bool(port)):
        raise InvalidDomain(NO_DOMAIN)
    return domain


def site_and_path(url: str) -> tuple[str, str] | None:
    """Return the normalized domain and the path of a page's URL, without its query, which may hold personal data; None
    for a URL without a domain."""
    try:
        parsed = can_ada.parse(url)
        return normalized_domain(str(parsed.host)), str(parsed.pathname)
    except (ValueError, TypeError):
        return None


def _parsed(text: str) -> Any:
    try:
        return can_ada.parse(f"https://{text}")
    except (ValueError, TypeError) as error:
        raise InvalidDomain(NO_DOMAIN) from error


def _is_host(host: str, written: str, *, has_port: bool) -> bool:
    if host.startswith("["):
        return True  # an IPv6 address, validated by the parser
    labels = host.split(".")
    if not all(LABEL.fullmatch(label) for label in labels):
        return False
    if IPV4.fullmatch(host):
        return written.startswith(host)  # not a number that the parser expanded to an address
    # A single label is a host in a local network if it has a port; otherwise it is an incomplete domain.
    return len(labels) > 1 or host == "localhost" or has_port
