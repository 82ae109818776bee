"""What is stored of a visit: looked up and computed, cut to its length, and free of what no database takes."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import can_ada
from msgspec import json
from msgspec.structs import astuple

from db.ingest.clicks.records import VisitRecord
from db.schema.visit_fields import DERIVED_FIELDS, VISIT_FIELDS
from graph.domain.context import Context
from graph.domain.derived_fields import derived_fields
from graph.domain.errors import FieldInvalid
from graph.domain.text_cache import cached_if_short
from graph.domain.visit import Device, Place, Visit

LENGTHS = {field.name: field.length for field in VISIT_FIELDS}
# The places of a visit's values as they are put together. By place, this takes half as long as by name.
PLACES = {
    name: place
    for place, name in enumerate(
        (
            *(*Visit.__struct_fields__, *Device.__struct_fields__, *Place.__struct_fields__),
            *(*(field.name for field in DERIVED_FIELDS), "ip_address"),
        )
    )
}
USER_AGENT, ADDITIONAL_DATA = PLACES["user_agent"], PLACES["additional_data"]
# The texts of a device and of a place are cut when they are looked up, once for many visits, and derived ones as they
# are derived.
CUT_HERE = [
    (PLACES[field.name], field.name, field.length)
    for field in VISIT_FIELDS
    if field.length and field.source in ("sent", "computed")
]
JSON_FIELDS = [(PLACES[field.name], field.name) for field in VISIT_FIELDS if field.type == "json"]
SAME = [(PLACES[field.name], PLACES[field.same_as]) for field in VISIT_FIELDS if field.same_as]
as_recorded = itemgetter(*(PLACES[field.name] for field in VISIT_FIELDS))
# What only test mode reads in `additional_data`.
TEST_KEYS = {"test_mode", "program_id"}
NOWHERE = Place()
# Most visitors come from pages that others came from before. The cache takes 17 MB at most.
CACHED_REFERRERS, CACHED_LENGTH = 4096, 512


def kept(name: str, text: str | None) -> str | None:
    """Return as much of a text as is stored of the field with this name, without NULs."""
    if text is None:
        return None
    if "\0" in text:
        text = text.replace("\0", "")
    return text[: LENGTHS[name]]


def visit_record(context: Context, visit: Visit, parameters: Mapping[str, str | None] | None = None) -> VisitRecord:
    """Return what is stored of a visit; `parameters` are those of its `affiliate_url`, where it was read already.
    Raises `FieldInvalid` for an object that is nested too deeply."""
    services, address = context.services, context.client_address
    user_agent = visit.user_agent or context.user_agent
    device = services.device(user_agent or "")
    place = services.place(address) if address else NOWHERE
    derived = derived_fields(visit.affiliate_url, visit.page_url, _host(visit.referrer_url), parameters)
    kept_address = services.kept_address(address) if address else None
    values: list[Any] = [
        *(*astuple(visit), *astuple(device), *astuple(place)),
        *(*derived.values(), kept_address),
    ]
    # What is stored in another form than it was sent in.
    values[USER_AGENT] = user_agent
    values[ADDITIONAL_DATA] = _without_test_keys(visit.additional_data)
    for at, name in JSON_FIELDS:
        if values[at] is not None:
            values[at] = json_text(name, values[at])
    for at, name, length in CUT_HERE:
        text = values[at]
        if text is not None and (len(text) > length or "\0" in text):
            values[at] = kept(name, text)
    for at, other in SAME:
        if values[at] is not None and values[at] == values[other]:
            values[at] = ""
    return VisitRecord(*as_recorded(values))


@cached_if_short(CACHED_REFERRERS, CACHED_LENGTH)
def _host(url: str | None) -> str | None:
    if not url:
        return None
    try:
        return can_ada.parse(url).hostname or None
    except ValueError:
        return None


def _without_test_keys(data: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if data is None else {key: value for key, value in data.items() if key not in TEST_KEYS}


def json_text(name: str, data: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return the value of a field as JSON, without NULs. Raises `FieldInvalid` if it is nested too deeply."""
    try:
        text = json.encode(data).decode()
        return json.encode(_without_nuls(data)).decode() if r"\u0000" in text else text
    except RecursionError as error:
        raise FieldInvalid(name, "is nested too deeply") from error


def _without_nuls(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "")
        case dict():
            return {_without_nuls(key): _without_nuls(item) for key, item in value.items()}
        case list():
            return [_without_nuls(item) for item in value]
    return value
