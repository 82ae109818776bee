"""A visit made ready for its row: looked up, cut to what the columns keep, and free of what no database takes."""

from operator import itemgetter
from typing import Any

import can_ada
from msgspec import json
from msgspec.structs import asdict

from db.ingest.records import VisitRecord
from db.schema.visit_fields import VISIT_FIELDS
from graph.domain.context import Context
from graph.domain.errors import FieldInvalid
from graph.domain.visit import Place, Visit

LENGTHS = {field.name: field.length for field in VISIT_FIELDS}
# The texts of a device and of a place are cut when they are looked up, once for many visits.
CUT_HERE = [
    (field.name, field.length) for field in VISIT_FIELDS if field.length and field.source in ("sent", "computed")
]
in_order = itemgetter(*LENGTHS)
TEST_KEYS = {"test_mode", "program_id"}
NOWHERE = Place()


def kept(name: str, text: str | None) -> str | None:
    """Return as much of a text as is stored of the field with this name, without NULs."""
    if text is None:
        return None
    if "\0" in text:
        text = text.replace("\0", "")
    return text[: LENGTHS[name]]


def visit_record(context: Context, visit: Visit) -> VisitRecord:
    """Return what is stored of a visit. Raises `FieldInvalid` for `additional_data` that is nested too deeply."""
    services, address = context.services, context.client_address
    user_agent = visit.user_agent or context.user_agent
    device = services.device(user_agent or "")
    place = services.place(address) if address else NOWHERE
    values = {**asdict(visit), **asdict(device), **asdict(place)}
    # What the gateway computes itself, or stores in another form than it was sent in.
    values["user_agent"] = user_agent
    values["referrer_host"] = _host(visit.referrer_url)
    values["additional_data"] = _additional_data(visit.additional_data)
    values["ip_address"] = services.kept_address(address) if address else None
    for name, length in CUT_HERE:
        text = values[name]
        if text is not None and (len(text) > length or "\0" in text):
            values[name] = kept(name, text)
    return VisitRecord(*in_order(values))


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
