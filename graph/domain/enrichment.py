"""A visit made ready for its row: looked up, cut to what the columns keep, and free of what no database takes."""

from typing import Any

import can_ada
from msgspec import json

from db.ingest.records import VisitRecord
from db.schema.clicks import ClickEvent
from graph.domain.context import Context
from graph.domain.errors import FieldInvalid
from graph.domain.visit import Place, Visit

LENGTHS: dict[str, int | None] = {
    column.name: getattr(column.type, "length", None) for column in ClickEvent.__table__.columns
}
TEST_KEYS = {"test_mode", "program_id"}


def kept(column: str, text: str | None) -> str | None:
    """Return as much of a text as its column of the events keeps, without NULs."""
    if text is None:
        return None
    if "\0" in text:
        text = text.replace("\0", "")
    return text[: LENGTHS[column]]


def visit_record(context: Context, visit: Visit) -> VisitRecord:
    """Return what is stored of a visit. Raises `FieldInvalid` for `additional_data` that is nested too deeply."""
    services, address = context.services, context.client_address
    user_agent = visit.user_agent or context.user_agent
    device = services.device(user_agent or "")
    place = services.place(address) if address else Place()
    return VisitRecord(
        page_url=kept("page_url", visit.page_url),
        page_title=kept("page_title", visit.page_title),
        referrer_url=kept("referrer_url", visit.referrer_url),
        referrer_host=kept("referrer_host", _host(visit.referrer_url)),
        session_id=kept("session_id", visit.session_id),
        user_agent=kept("user_agent", user_agent),
        screen_resolution=kept("screen_resolution", visit.screen_resolution),
        viewport_size=kept("viewport_size", visit.viewport_size),
        language=kept("language", visit.language),
        timezone=kept("timezone", visit.timezone),
        existing_click_id=kept("existing_click_id", visit.existing_click_id),
        event_id=kept("event_id", visit.event_id),
        additional_data=_additional_data(visit.additional_data),
        is_bot=device.is_bot,
        device_type=device.device_type,
        device_brand=device.device_brand,
        device_model=device.device_model,
        os=device.os,
        os_version=device.os_version,
        browser=device.browser,
        browser_version=device.browser_version,
        country=place.country,
        region=place.region,
        city=place.city,
        ip_address=services.kept_address(address) if address else None,
    )


def _host(url: str | None) -> str | None:
    if not url:
        return None
    try:
        return can_ada.parse(url).hostname or None
    except ValueError:
        return None


def _additional_data(data: dict[str, Any] | None) -> str | None:
    """Return the data as JSON, without the keys that only test mode reads."""
    if data is None:
        return None
    kept = {key: value for key, value in data.items() if key not in TEST_KEYS}
    try:
        text = json.encode(kept).decode()
        return json.encode(_without_nuls(kept)).decode() if r"\u0000" in text else text
    except RecursionError as error:
        raise FieldInvalid("additional_data", "is nested too deeply") from error


def _without_nuls(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "")
        case dict():
            return {_without_nuls(key): _without_nuls(item) for key, item in value.items()}
        case list():
            return [_without_nuls(item) for item in value]
    return value
