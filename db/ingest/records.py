"""What the click writer takes and gives: a click, a test click, and the receipt for a click.

They are structs of msgspec, which are made an order of magnitude faster than frozen dataclasses; one of each is made
for every request.
"""

from datetime import datetime

from msgspec import Struct


class VisitRecord(Struct, frozen=True, gc=False, kw_only=True):
    """A row's `VisitColumns`, in their order, already cut to their lengths and free of NULs."""

    page_url: str | None = None
    page_title: str | None = None
    referrer_url: str | None = None
    referrer_host: str | None = None
    session_id: str | None = None
    user_agent: str | None = None
    screen_resolution: str | None = None
    viewport_size: str | None = None
    language: str | None = None
    timezone: str | None = None
    existing_click_id: str | None = None
    event_id: str | None = None
    additional_data: str | None = None
    is_bot: bool = False
    device_type: str | None = None
    device_brand: str | None = None
    device_model: str | None = None
    os: str | None = None
    os_version: str | None = None
    browser: str | None = None
    browser_version: str | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None
    ip_address: str | None = None


class Click(Struct, frozen=True, gc=False):
    """A click to be recorded for a link that has a program and a partner."""

    program_id: int
    link_id: int
    partner_id: int
    occurred_at: datetime
    affiliate_url: str
    visit: VisitRecord


class TestClick(Struct, frozen=True, gc=False):
    """A click sent in test mode."""

    program_id: int | None
    occurred_at: datetime
    affiliate_url: str | None
    visit: VisitRecord


class Receipt(Struct, frozen=True, gc=False):
    """What was committed for a click: the customer's `click_id` and the link that it was recorded for.
    `replayed` where an earlier click with the same `event_id` is the one that counted."""

    click_id: str
    link_id: int
    replayed: bool = False
