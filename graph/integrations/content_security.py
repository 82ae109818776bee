"""Tells whether a page's content security policies let the tracker load and send clicks.

Content Security Policy Level 3 (https://www.w3.org/TR/CSP3/), as far as it concerns a script with a `src` and `fetch`.
"""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "https": 443}
SCRIPT = ("script-src-elem", "script-src", "default-src")
CONNECTION = ("connect-src", "default-src")


def blocking_directive(
    policies: Iterable[str], kinds: Sequence[str], url: str, page: str, nonce: str = ""
) -> str | None:
    """Return the directive of a page's policies that blocks a URL, or None. `kinds` are the directives that apply, the
    first that a policy has; `nonce` is that of the script's element."""
    for policy in policies:
        # A header may hold several policies, separated by commas.
        for one in policy.split(","):
            found = _directives(one)
            name = next((kind for kind in kinds if kind in found), None)
            if name is not None and not _allows(found[name], urlsplit(url), urlsplit(page), nonce):
                return name
    return None


def _directives(policy: str) -> Mapping[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {}
    for directive in policy.split(";"):
        name, *sources = directive.split() or [""]
        found.setdefault(name.lower(), sources)  # of two with one name, the first counts
    return found


def _allows(sources: Sequence[str], url: SplitResult, page: SplitResult, nonce: str) -> bool:
    if nonce and f"'nonce-{nonce}'" in sources:
        return True
    if "'strict-dynamic'" in [source.lower() for source in sources]:
        return False
    return any(_matches(source, url, page) for source in sources)


def _matches(source: str, url: SplitResult, page: SplitResult) -> bool:
    if source == "*":
        return url.scheme in ("http", "https", page.scheme)
    if source.lower() == "'self'":
        return _is_same_site(url, page)
    if source.startswith("'"):
        return False
    if source.endswith(":") and "/" not in source:
        return _has_scheme(source[:-1].lower(), url)
    scheme, separator, rest = source.rpartition("://")
    host, slash, path = rest.partition("/")
    name, _, port = host.partition(":")
    return (
        _has_scheme(scheme.lower() if separator else page.scheme, url)
        and _has_host(name.lower(), url.hostname or "")
        and (port == "*" or _has_port(port, url))
        and (not slash or _has_path(f"/{path}", url.path))
    )


def _is_same_site(url: SplitResult, page: SplitResult) -> bool:
    same_port = _port(url) == _port(page) or (_has_usual_port(url) and _has_usual_port(page))
    return url.hostname == page.hostname and same_port and _has_scheme(page.scheme, url)


def _has_scheme(scheme: str, url: SplitResult) -> bool:
    return url.scheme == scheme or (scheme == "http" and url.scheme == "https")


def _has_host(pattern: str, host: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else pattern in ("*", host)


def _has_port(port: str, url: SplitResult) -> bool:
    # A policy for port 80 also allows what was moved to HTTPS.
    return str(_port(url)) == port or (port == "80" and _port(url) == PORTS["https"]) if port else _has_usual_port(url)


def _has_path(pattern: str, path: str) -> bool:
    return path.startswith(pattern) if pattern.endswith("/") else path == pattern


def _has_usual_port(url: SplitResult) -> bool:
    return _port(url) == PORTS.get(url.scheme)


def _port(url: SplitResult) -> int | None:
    try:
        return url.port or PORTS.get(url.scheme)
    except ValueError:
        return None
