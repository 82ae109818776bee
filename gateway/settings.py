"""Every setting: its name, type, default and meaning. Read from `CLICKGATE_*` in the environment, nowhere else.

The README's table is checked against this by a test.
"""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from limits import parse
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gateway.server.forwarding import UNIX
from graph.http.caller import TOKEN

PREFIX = "CLICKGATE_"
OWN_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
ORIGIN = re.compile(r"https?://[^/?#@\s]+", re.IGNORECASE)


class Settings(BaseSettings):
    """The process's settings. Raises pydantic's `ValidationError`, which names each setting that is wrong."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    database_url: str = Field(
        default="sqlite:///clickgate.db",
        description="Where clicks are kept: `sqlite:///file` or `postgresql://user:password@host/database`",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on; `::` takes IPv4 too")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on")
    uds: Path | None = Field(default=None, description="Unix socket to listen on, instead of an address and a port")
    root_path: str = Field(
        default="",
        description="Path under which a proxy serves the gateway, such as `/affiliate`, whether or not it strips it",
    )
    connections: int = Field(
        default=10_000,
        ge=8,
        description="Connections that may be open in each process, as far as the limit on open files allows as many",
    )
    geoip_db: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="City database files in MaxMind's format, separated by commas; without one, places are null",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Addresses and networks, separated by commas, whose `X-Forwarded-For` is believed; `unix` for a "
        "proxy that comes by the Unix socket",
    )
    ip_storage: Literal["none", "truncated", "full"] = Field(
        default="truncated",
        description="What is stored of a visitor's address: `none`, `truncated` (/24, /48) or `full`",
    )
    rate_limit: str = Field(
        default="",
        description="Clicks allowed to one address, such as `60/minute`, counted in each process; empty for no limit",
    )
    queue_clicks: int = Field(
        default=4096, ge=1, description="Clicks that may wait for the database; further ones are answered with 503"
    )
    admin_token: SecretStr | None = Field(
        default=None, description="A token that GraphQL takes for an administrator's, besides those that were issued"
    )
    admin_token_file: Path | None = Field(
        default=None, description="A file that holds the same, such as a secret's mount"
    )
    tracker_path: str = Field(
        default="",
        description="A further path of the tracker script, such as `/js/hello.js`; ad blockers know the usual ones",
    )
    click_path: str = Field(
        default="", description="A further path of the click endpoint, which the tracker script then posts to"
    )
    graphql_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins, separated by commas, whose web pages may use `/graphql`, such as `https://app.example.com`",
    )
    graphql_depth: int = Field(default=15, ge=1, le=50, description="How deep a GraphQL query may nest its fields")
    graphql_aliases: int = Field(default=200, ge=0, description="Aliases in a GraphQL query")
    graphql_directives: int = Field(default=100, ge=0, description="Directives in a GraphQL query")
    graphql_tokens: int = Field(
        default=2000, ge=1, description="Words and signs in a GraphQL query; its fragments may multiply them by five"
    )
    graphql_cost: int = Field(
        default=10_000, ge=1, description="Cost of a GraphQL query: about the objects that it may answer with"
    )
    pages: Literal["all", "dashboard", "none"] = Field(
        default="all",
        description="Web pages that are served: `all`, the `dashboard` without GraphiQL, or `none`",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe line logged"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="Form of the log: `json`, `console`, or `auto`: console on a terminal, JSON elsewhere",
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

    @field_validator("root_path")
    @classmethod
    def _strip_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("tracker_path", "click_path", "root_path")
    @classmethod
    def _check_path(cls, value: str) -> str:
        if value and not OWN_PATH.fullmatch(value):
            raise ValueError("must begin with / and have letters, digits and -._~ between slashes")
        return value

    @field_validator("graphql_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin} is no origin: it takes a scheme, a host and perhaps a port")
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
                raise ValueError(f"{PREFIX}ADMIN_TOKEN says the same thing: set one of them")
            if token := _token_in(value):
                _check_sendable(token)
        return value

    def administrator_token(self) -> str | None:
        """Return the administrator's token, from whichever setting has it; None where neither does. Raises
        `ValueError` for a file that cannot be read."""
        if self.admin_token_file is not None:
            return _token_in(self.admin_token_file)
        return self.admin_token.get_secret_value() if self.admin_token is not None else None

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
    # It is not repeated here: whoever reads the message need not know it.
    if not TOKEN.fullmatch(token):
        raise ValueError("no header can carry this token: it takes letters, digits and - . _ ~ + /, and = at its end")
