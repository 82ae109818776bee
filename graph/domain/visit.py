"""What a visit is sent with, and what the gateway looks up for it.

Both faces decode a `Visit`; the look-ups of `gateway` return a `Device` and a `Place` for it. Their fields come from
`db.schema.visit_fields`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct

from db.schema.visit_fields import DEVICE_FIELDS, PLACE_FIELDS, SENT_FIELDS, VisitField
from db.schema.visit_structs import Declaration, Stored, with_fields

# What a field is decoded as.
SENT_TYPES: Mapping[str, type] = {"text": str, "flag": bool, "json": dict}


def _sent(field: VisitField) -> Declaration:
    description = field.sent_description or field.description
    if field.length is not None and field.is_cut:
        description = f"{description.removesuffix('.')}; {field.length} characters are kept."
    examples = None if field.example is None else {"examples": [field.example]}
    meta = Meta(description=description, extra_json_schema=examples)
    match field.type:
        case "text":
            return field.name, Annotated[str | None, meta], None
        case "json":
            return field.name, Annotated[dict[str, Any] | None, meta], None
        case "flag":
            return field.name, Annotated[bool, meta], False


@with_fields(SENT_FIELDS, _sent)
class Visit(Struct, frozen=True):
    """One landing of a visitor, as the tracker script reports it. `null` is the same as absent; unknown fields are
    ignored; text that is longer than its field keeps is cut."""

    if TYPE_CHECKING:
        affiliate_url: str | None
        page_url: str | None
        referrer_url: str | None
        user_agent: str | None
        additional_data: dict[str, Any] | None
        event_id: str | None

        def __init__(self, **values: Any) -> None: ...


@with_fields(DEVICE_FIELDS)
class Device(Struct, frozen=True):
    """What a user agent says. Operating systems and browsers have the names that `user-agents` has for them ("Other" if
    it knows none); unknown versions, brands and models are None, and so is the type without a user agent."""

    if TYPE_CHECKING:

        def __init__(self, **values: Stored) -> None: ...
        def __getattr__(self, name: str) -> Stored: ...


@with_fields(PLACE_FIELDS)
class Place(Struct, frozen=True):
    """Where an address is; what is unknown is None."""

    if TYPE_CHECKING:

        def __init__(self, *values: Stored, **named: Stored) -> None: ...
        def __getattr__(self, name: str) -> Stored: ...


def visit_of(values: Mapping[str, Any]) -> tuple[Visit, tuple[str, ...]]:
    """Return the visit with these values, and the names of the fields whose value has the wrong type, which are absent
    from it. Other names are ignored."""
    readable: dict[str, Any] = {}
    unreadable = []
    for field in SENT_FIELDS:
        value = values.get(field.name)
        if isinstance(value, SENT_TYPES[field.type]):
            readable[field.name] = value
        elif value is not None:
            unreadable.append(field.name)
    return Visit(**readable), tuple(unreadable)
