"""Every setting: its name, type, default and meaning. Read from `CLICKGATE_*` in the environment, nowhere else.

The README's table is checked against this by a test.
"""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from limits import parse
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "CLICKGATE_"


class Settings(BaseSettings):
    """The process's settings. Raises pydantic's `ValidationError`, which names each setting that is wrong."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True)

    database_url: str = Field(
        default="sqlite:///clickgate.db",
        description="Where clicks are kept: `sqlite:///file` or `postgresql://user:password@host/database`",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on")
    geoip_db: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="City database files in MaxMind's format, separated by commas; without one, places are null",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Addresses and networks, separated by commas, whose `X-Forwarded-For` is believed"
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
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe line logged"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="Form of the log: `json`, `console`, or `auto`: console on a terminal, JSON elsewhere",
    )

    @field_validator("geoip_db", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value

    @field_validator("rate_limit")
    @classmethod
    def _check_limit(cls, value: str) -> str:
        if value:
            parse(value)
        return value
