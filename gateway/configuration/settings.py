"""The gateway's settings: name, type, default and meaning of each. They are read only from `CLICKGATE_*` variables.

A test compares the documentation's table of settings with this class.
"""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from limits import parse
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from graph.http.token_characters import TOKEN

PREFIX = "CLICKGATE_"
# What stands for any peer on the Unix socket among the trusted proxies: it has no address.
UNIX = "unix"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
OWN_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
ADDRESS = re.compile(r"https?://[^/?#@\s]+(/[A-Za-z0-9._~-]+)*", re.IGNORECASE)
ORIGIN = re.compile(r"https?://[^/?#@\s]+", re.IGNORECASE)


class Settings(BaseSettings):
    """The process's settings. Raises pydantic's `ValidationError`, which names each invalid setting."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    database_url: str = Field(
        default="sqlite:///clickgate.db",
        description="The database: `sqlite:///file` or `postgresql://user:password@host/database`",
    )
    replica_url: str = Field(
        default="",
        description="A standby of the PostgreSQL database, from which lists and reports are read, such as "
        "`postgresql://user:password@standby/database`",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on; `::` accepts IPv4, too")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on")
    uds: Path | None = Field(default=None, description="Unix socket to listen on instead of an address and port")
    root_path: str = Field(
        default="",
        description="Path prefix under which a proxy serves the gateway, such as `/affiliate`; the proxy may strip it "
        "or pass it on",
    )
    public_url: str = Field(
        default="",
        description="The gateway's address as browsers reach it, such as `https://clicks.example.com`, with the path "
        "prefix if there is one; for sign-in links",
    )
    connections: int = Field(
        default=10_000,
        ge=8,
        description="Maximum number of open connections per process; the limit on open files may lower it",
    )
    geoip_db: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="City database files in MaxMind's format, separated by commas; without one, locations are null",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Addresses and networks of the proxies whose `X-Forwarded-For` is trusted, separated by commas; "
        "`unix` for a proxy that connects through the Unix socket",
    )
    ip_storage: Literal["none", "truncated", "full"] = Field(
        default="truncated",
        description="How much of a visitor's IP address is stored: `none`, `truncated` (/24, /48) or `full`",
    )
    rate_limit: str = Field(
        default="",
        description="Clicks and leads without a token that are allowed per address, such as `60/minute`, counted per "
        "process; empty for no limit",
    )
    queue_clicks: int = Field(
        default=4096,
        ge=1,
        description="Maximum number of clicks and conversions waiting for the database; further ones get 503",
    )
    report_seconds: float = Field(
        default=10,
        gt=0,
        allow_inf_nan=False,
        description="Seconds that a report by dimension may take, waiting for its turn included, before it is refused",
    )
    admin_token: SecretStr | None = Field(
        default=None, description="An administrator's token for GraphQL, in addition to issued tokens"
    )
    admin_token_file: Path | None = Field(
        default=None, description="A file that contains the administrator's token, such as a mounted secret"
    )
    email_key_file: Path | None = Field(
        default=None,
        description="A file with the key by which customers' e-mail addresses are hashed, created if it is missing; "
        "without it, the key is in the database",
    )
    tracker_path: str = Field(
        default="",
        description="An additional path for the tracker script, such as `/js/hello.js`; ad blockers know the default "
        "paths",
    )
    click_path: str = Field(
        default="", description="An additional path for the click endpoint, to which the tracker script then posts"
    )
    private_sites: bool | None = Field(
        default=None,
        description="Whether the installation check may fetch pages of networks that are not public. By default only "
        "while the gateway listens on a loopback address and trusts no proxy, as on a developer's machine",
    )
    graphql_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may use `/graphql`, such as `https://app.example.com`, separated by commas",
    )
    graphql_depth: int = Field(default=15, ge=1, le=50, description="Maximum depth of a GraphQL query")
    graphql_aliases: int = Field(default=200, ge=0, description="Maximum number of aliases in a GraphQL query")
    graphql_directives: int = Field(default=100, ge=0, description="Maximum number of directives in a GraphQL query")
    graphql_tokens: int = Field(
        default=2000,
        ge=1,
        description="Maximum number of tokens in a GraphQL query; with its fragments expanded, five times as many",
    )
    graphql_cost: int = Field(
        default=10_000,
        ge=1,
        description="Maximum cost of a GraphQL query: roughly the number of objects that it can return",
    )
    pages: Literal["all", "dashboard", "none"] = Field(
        default="all",
        description="Web pages to serve: `all`, `dashboard` (without GraphiQL) or `none`",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level that is logged"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="Log format: `json`, `console`, or `auto` for console on a terminal and JSON elsewhere",
    )

    @field_validator("geoip_db", "trusted_proxies", "graphql_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            if network != UNIX:
                ip_network(network)
        return value

    @field_validator("root_path", "public_url")
    @classmethod
    def _strip_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("tracker_path", "click_path", "root_path")
    @classmethod
    def _check_path(cls, value: str) -> str:
        if value and not OWN_PATH.fullmatch(value):
            raise ValueError("must start with / and contain only letters, digits and -._~ between slashes")
        return value

    @field_validator("public_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        if value and not ADDRESS.fullmatch(value):
            raise ValueError(f"{value} is not an address, such as https://clicks.example.com")
        return value

    @field_validator("graphql_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin} is not an origin, such as https://app.example.com or http://localhost:3000")
        return value

    @field_validator("admin_token")
    @classmethod
    def _check_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _check_sendable(value.get_secret_value())
        return value

    @field_validator("admin_token_file")
    @classmethod
    def _check_token_file(cls, value: Path | None, others: ValidationInfo) -> Path | None:
        if value is not None:
            if others.data.get("admin_token") is not None:
                raise ValueError(f"{PREFIX}ADMIN_TOKEN is also set: set only one of them")
            if token := _token_in(value):
                _check_sendable(token)
        return value

    def administrator_token(self) -> str | None:
        """Return the administrator's token from the setting or the file, or None if neither is set. Raises `ValueError`
        for an unreadable file."""
        if self.admin_token_file is not None:
            return _token_in(self.admin_token_file)
        return self.admin_token.get_secret_value() if self.admin_token is not None else None

    def may_fetch_private_sites(self) -> bool:
        """Return whether the installation check may fetch pages of networks that are not public."""
        if self.private_sites is not None:
            return self.private_sites
        return self.uds is None and not self.trusted_proxies and self.host in LOOPBACK

    @field_validator("rate_limit")
    @classmethod
    def _check_limit(cls, value: str) -> str:
        if value:
            parse(value)
        return value


def _token_in(file: Path) -> str | None:
    try:
        return file.read_text().strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from error


def _check_sendable(token: str) -> None:
    # The message leaves out the token, which is a secret.
    if not TOKEN.fullmatch(token):
        raise ValueError("the token must consist of letters, digits and - . _ ~ + /, with = only at its end")
