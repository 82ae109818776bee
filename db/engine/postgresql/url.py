"""Translation of PostgreSQL connection URLs into arguments for the driver.

Hosted databases hand out URLs with libpq's parameters, which keep their meaning here; see
https://www.postgresql.org/docs/current/libpq-connect.html. `pgbouncer=true` is clickgate's own, see
`db.engine.postgresql.pgbouncer`.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from db.errors import UnusableDatabase

UNREADABLE = "the database URL is invalid: it should look like sqlite:///file or postgresql://user:password@host/name"
HOSTS = re.compile(r"([^:/?#]+://(?:[^@/?#]*@)?)([^/?#@]*,[^/?#@]*)(.*)", re.DOTALL)
ONE_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(\d+))?")
PORT = 5432
# The driver has these under the same names.
DRIVERS_OWN = {
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslpassword", "sslnegotiation"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs"),
    *("passfile", "krbsrvname", "gsslib"),
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "channel_binding": ("disable", "prefer", "require"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    # Connections never use GSSAPI encryption, which both of these values permit.
    "gssencmode": ("disable", "prefer"),
    # Hosts are tried in the given order.
    "load_balance_hosts": ("disable",),
    "client_encoding": ("utf8", "auto"),
    "pgbouncer": ("true", "false"),
}
OURS = {"application_name", "fallback_application_name", "connect_timeout", "options"}
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
SYSTEM = "system"
OPTION = re.compile(r"(?:-c\s*|--)([A-Za-z_][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ConnectionParameters:
    """How to connect: arguments for the driver's `connect`, settings of the session, and the timeout."""

    arguments: Mapping[str, Any]
    settings: Mapping[str, str]
    timeout: float | None
    """In seconds; None for no limit, 0 if the URL does not set one."""
    options: str
    """Settings in the syntax of the server's command line."""
    is_pooled: bool
    """Whether the server is PgBouncer, which may run each transaction in another session."""


def parse_url(url: str) -> URL:
    """Parse a URL. Several hosts, or a socket's folder, become the parameters `host` and `port`; a user, password or
    database given as parameters become parts of the URL. Raises `UnusableDatabase`, whose message repeats nothing of
    the URL, since it may contain a password."""
    try:
        several = HOSTS.fullmatch(url)
        parsed = make_url(url if several is None else several[1] + several[3])
        query = {name: value if isinstance(value, str) else ",".join(value) for name, value in parsed.query.items()}
        if several is not None:
            hosts = [ONE_HOST.fullmatch(host) for host in several[2].split(",")]
            query["host"] = ",".join(match[1].strip("[]") for match in hosts if match)
            query["port"] = ",".join(match[2] or str(PORT) for match in hosts if match)
            if not all(hosts):
                raise ValueError
    except (ArgumentError, ValueError):
        raise UnusableDatabase(UNREADABLE) from None
    for name, part in (
        ("user", "username"),
        ("password", "password"),
        ("dbname", "database"),
        ("database", "database"),
    ):
        if name in query and parsed.get_backend_name() != "sqlite":
            parsed = parsed.set(**{part: query.pop(name)})  # type: ignore[arg-type]  # each takes a text
    return parsed.set(query=query)


def connection_parameters(url: URL) -> ConnectionParameters:
    """Return how to connect to the database of a parsed URL. Raises `UnusableDatabase` for a parameter that is unknown
    or has an invalid value."""
    query = {name: str(value) for name, value in url.query.items()}
    hosts, ports = _addresses(url, query.pop("host", ""), query.pop("port", ""))
    if "ssl" in query:  # the name that some other drivers use
        query.setdefault("sslmode", {"true": "require", "false": "disable"}.get(query["ssl"], query["ssl"]))
        del query["ssl"]
    _check(query)
    settings = {name: query[name] for name in ("application_name",) if name in query}
    if "fallback_application_name" in query:
        settings.setdefault("application_name", query["fallback_application_name"])
    arguments: dict[str, Any] = {"user": url.username, "password": url.password, "database": url.database}
    arguments |= {"host": hosts, "port": ports, "dsn": _dsn(query)}
    return ConnectionParameters(
        {name: value for name, value in arguments.items() if value is not None},
        settings,
        _seconds(query.get("connect_timeout")),
        query.get("options", ""),
        is_pooled=query.get("pgbouncer") == "true",
    )


def settings_in(options: str) -> dict[str, str]:
    """Return the settings in a string such as `-c search_path=clicks`. Raises `UnusableDatabase` for anything else."""
    try:
        words = shlex.shlex(options, posix=True)
        words.quotes, words.commenters, words.whitespace_split = "", "", True
        text = " ".join(word.replace(" ", "\0") for word in words)
    except ValueError:
        text = "?"
    found: dict[str, str] = {}
    for part in re.split(r" (?=-)", text) if text else ():
        match = OPTION.fullmatch(part)
        if match is None:
            raise UnusableDatabase("the database URL's options are not of the form `-c name=value`")
        found[match[1].replace("-", "_")] = match[2].replace("\0", " ")
    return found


def _addresses(url: URL, hosts: str, ports: str) -> tuple[list[str] | None, list[int] | None]:
    names = [host for host in hosts.split(",") if host] if hosts else [url.host] if url.host else []
    # Some drivers accept `host:port` as the host parameter.
    matches = [None if name.startswith("/") or name.count(":") > 1 else ONE_HOST.fullmatch(name) for name in names]
    own = [match[2] if match else None for match in matches]
    names = [match[1] if match else name for name, match in zip(names, matches, strict=True)]
    given = ports.split(",") if ports else ["" if url.port is None else str(url.port)]
    if len(given) == 1:
        given *= max(len(names), 1)
    try:
        numbers = [int(port or PORT) for port in given]
        numbers = [int(port or number) for port, number in zip(own, numbers, strict=True)] if names else numbers
    except ValueError:
        raise UnusableDatabase("the database URL must have as many ports as hosts, or one, each a number") from None
    if not all(0 < number < 65536 for number in numbers):
        raise UnusableDatabase("the database URL has a port that is not between 1 and 65535")
    return names or None, numbers if names or ports or url.port else None


def _check(query: Mapping[str, str]) -> None:
    if unknown := query.keys() - DRIVERS_OWN - OURS - CHOICES.keys():
        raise UnusableDatabase(f"the database URL has an unknown parameter: {', '.join(sorted(unknown))}")
    for name, choices in CHOICES.items():
        if name in query and query[name].lower() not in choices:
            raise UnusableDatabase(f"the database URL's {name} must be one of {', '.join(choices)}")
    for name in FILES:
        if query.get(name, SYSTEM) != SYSTEM and not Path(query[name]).is_file():
            raise UnusableDatabase(f"the database URL's {name} is not a file")
    if query.get("sslrootcert") == SYSTEM and query.get("sslmode", "verify-full") != "verify-full":
        raise UnusableDatabase("the database URL's sslrootcert=system requires sslmode=verify-full")


def _dsn(query: Mapping[str, str]) -> str:
    """Return a DSN with the parameters that the driver reads by itself."""
    own = {name: value for name, value in query.items() if name in DRIVERS_OWN}
    if query.get("channel_binding") == "require":
        # The driver does not support channel binding, which rules out a man in the middle. Verifying the host's
        # certificate does so as well.
        own["sslmode"] = "verify-full"
        own.setdefault("sslrootcert", SYSTEM)
    if own.get("sslrootcert") == SYSTEM:
        own["sslmode"] = "verify-full"
        own["sslrootcert"] = _system_certificates()
    return f"postgresql://?{urlencode(own)}"


def _system_certificates() -> str:
    import ssl  # imported late: few databases need it

    paths = ssl.get_default_verify_paths()
    for path in (paths.cafile, paths.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt"):
        if path and Path(path).is_file():
            return path
    raise UnusableDatabase(
        "no file of certificate authorities was found on this machine: name one in the URL's sslrootcert"
    )


def _seconds(given: str | None) -> float | None:
    if given is None:
        return 0
    if not re.fullmatch(r"-?\d{1,9}", given):
        raise UnusableDatabase("the database URL's connect_timeout must be a number of seconds")
    return float(given) if int(given) > 0 else None
