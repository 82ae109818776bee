"""What one visit says of itself, and what the gateway derives from it.

These values cross every storey: a face decodes a `Visit`, the edge looks up a `Device` and a `Place` for it.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta, Struct


def _field(description: str, *examples: Any) -> Meta:
    return Meta(description=description, extra_json_schema={"examples": list(examples)} if examples else None)


class Visit(Struct, frozen=True):
    """One landing of a visitor, as the tracker script reports it. `null` is the same as absent; unknown fields are
    ignored; text that is longer than its field keeps is cut."""

    affiliate_url: Annotated[
        str | None,
        _field(
            "Full URL of the landing page with its `aff` query parameter. Required outside test mode.",
            "https://yoursite.com/pricing?aff=PARTNER123",
        ),
    ] = None
    page_url: Annotated[
        str | None, _field("Canonical URL of the page; 2048 characters are kept.", "https://yoursite.com/pricing")
    ] = None
    page_title: Annotated[
        str | None, _field("`document.title` at the time; 512 characters are kept.", "Pricing — YourSite")
    ] = None
    referrer_url: Annotated[
        str | None,
        _field(
            "`document.referrer`, where the visitor came from; 2048 characters are kept.",
            "https://blog.example.com/post",
        ),
    ] = None
    session_id: Annotated[
        str | None, _field("The browser session's identifier; 128 characters are kept.", "sess_abc123")
    ] = None
    user_agent: Annotated[
        str | None,
        _field("The user agent, where it is not the `User-Agent` header's; 512 characters are kept."),
    ] = None
    screen_resolution: Annotated[str | None, _field("Size of the screen; 32 characters are kept.", "1920x1080")] = None
    viewport_size: Annotated[
        str | None, _field("Size of the browser's viewport; 32 characters are kept.", "1280x800")
    ] = None
    language: Annotated[str | None, _field("The browser's language; 64 characters are kept.", "en-US")] = None
    timezone: Annotated[str | None, _field("The IANA time zone; 64 characters are kept.", "America/New_York")] = None
    existing_click_id: Annotated[
        str | None,
        _field(
            "A `click_id` issued before. Where it names a customer of the link's program, that one is reused.",
            "cust_42_1715000000000",
        ),
    ] = None
    additional_data: Annotated[
        dict[str, Any] | None,
        _field(
            'Anything else worth keeping. With `{"test_mode": true, "program_id": 1}` a test event is recorded, which '
            "counts nowhere.",
            {"campaign": "spring"},
        ),
    ] = None
    event_id: Annotated[
        str | None,
        _field(
            "The click's own identifier, of 1 to 64 characters: a click sent again with it is recorded once.",
            "0190b5a2-7c3e-7000-8000-5f3c1d2e4a6b",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Device:
    """What a user agent tells, each text as long as it is kept. Families as `user-agents` names them ("Other" where it
    knows none); unknown versions, brands and models are None. `device_type` is "desktop", "mobile", "tablet", "tv",
    "console" or "other"; None without an agent."""

    is_bot: bool = False
    device_type: str | None = None
    device_brand: str | None = None
    device_model: str | None = None
    os: str | None = None
    os_version: str | None = None
    browser: str | None = None
    browser_version: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address lies, each text as long as it is kept: ISO 3166-1 alpha-2 country, English names of region
    (first subdivision) and city."""

    country: str | None = None
    region: str | None = None
    city: str | None = None
