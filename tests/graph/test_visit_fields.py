"""A visit's fields, each through both faces to the database and back out of GraphQL. The fields come from their
definitions, so a new one is covered by itself, and one that is missing somewhere is named with the place."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from strawberry.utils.str_converters import to_camel_case

from db.ingest.records import Click, VisitRecord
from db.schema.clicks import ClickEvent, ClickTestEvent, VisitColumns
from graph.domain.visit import Device, Place, Visit
from graph.schema import types
from graph.schema.clicks import TrackClickInput
from tests.support.click_apis import ClickApi, both_apis
from tests.support.gateways import Gateway, device_lookup, running_gateway

# Every field of a device is known of it, and none has the value that an absent one has.
BOT = (
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.7390.122 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)
PLACE = Place(country="XL", region="Loop", city="Peer")
# What is computed from what was sent, or kept of the client's address, beside a device and a place.
COMPUTED = {"referrer_host": "blog.example.com", "ip_address": "127.0.0.1"}
SPECIAL: dict[str, Any] = {
    "affiliate_url": "https://yoursite.com/pricing?aff=PARTNER123",
    "referrer_url": "https://blog.example.com/post",
    "user_agent": BOT,
    "additional_data": {"campaign": "spring"},
}
SENT = Visit.__struct_fields__
DERIVED = [field.name for of in (Device, Place) for field in dataclasses.fields(of)]
KEPT = VisitRecord.__struct_fields__
ON_THE_CLICK = "affiliate_url"
EVENTS = {"clickEvents": ClickEvent, "testEvents": ClickTestEvent}


def field_names(of: Any) -> set[str]:
    return {field.python_name for field in of.__strawberry_definition__.fields}


def columns(table: Any) -> set[str]:
    return set(table.__table__.columns.keys())


def fail_if(missing: Mapping[str, Iterable[str]]) -> None:
    lacking = [f"{place} lacks {', '.join(sorted(names))}" for place, names in missing.items() if names]
    if lacking:
        pytest.fail("\n".join(lacking))


def test_every_field_is_declared_in_every_place() -> None:
    sent = set(SENT)
    kept = (sent | {*DERIVED, *COMPUTED}) - {ON_THE_CLICK}
    shown = kept | {ON_THE_CLICK}
    missing = {
        "TrackClickInput in graph/schema/clicks.py": sent - field_names(TrackClickInput),
        "Visit in graph/domain/visit.py": field_names(TrackClickInput) - sent,
        "VisitRecord in db/ingest/records.py": kept - set(KEPT),
        "Click in db/ingest/records.py": {ON_THE_CLICK} - set(Click.__struct_fields__),
        "VisitColumns in db/schema/tables.py": kept - set(VisitColumns.__annotations__),
        "affiliate_click_events": shown - columns(ClickEvent),
        "affiliate_click_test_events": shown - columns(ClickTestEvent),
        "ClickEvent in graph/schema/types.py": shown - field_names(types.ClickEvent),
        "TestEvent in graph/schema/types.py": shown - field_names(types.TestEvent),
    }
    fail_if(missing)


def test_every_field_that_is_kept_comes_from_somewhere() -> None:
    known = {*SENT, *DERIVED, *COMPUTED}
    missing = {"what these tests know how to send or compute": (set(KEPT) | set(VisitColumns.__annotations__)) - known}
    fail_if(missing)


def test_a_record_has_its_fields_in_the_order_of_the_columns() -> None:
    assert list(KEPT) == list(VisitColumns.__annotations__)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> str:
    writer = MMDBWriter(6, "GeoIP2-City", ["en"], "test", ipv4_compatible=True)
    subdivisions = [{"names": {"en": PLACE.region}}]
    record = {
        "country": {"iso_code": PLACE.country},
        "subdivisions": subdivisions,
        "city": {"names": {"en": PLACE.city}},
    }
    writer.insert_network(IPSet(["127.0.0.0/8"]), record)
    path: Path = tmp_path_factory.mktemp("geo") / "places.mmdb"
    writer.to_db_file(str(path))
    return str(path)


def visit() -> dict[str, Any]:
    """Return a visit with all fields, each with a value of its own."""
    fields = {name: SPECIAL.get(name, f"{name} sent"[:32]) for name in SENT}
    converted = msgspec.convert(fields, Visit)
    assert msgspec.structs.asdict(converted) == fields, "a field needs a value in SPECIAL"
    return fields


def expected(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is to be kept of a visit."""
    device, place = device_lookup()(BOT), PLACE
    derived = {**dataclasses.asdict(device), **dataclasses.asdict(place), **COMPUTED}
    absent = {name for name, value in derived.items() if value in (None, False)}
    assert not absent, f"a field that is dropped would go unnoticed, since it is empty here: {absent}"
    return {**sent, **derived}


def in_database(row: Mapping[str, Any], name: str) -> Any:
    return json.loads(row[name]) if name == "additional_data" else row[name]


@both_apis
@pytest.mark.parametrize("root", EVENTS)
async def test_every_field_is_kept_and_shown(database_url: str, click_api: ClickApi, places: str, root: str) -> None:
    async with running_gateway(database_url, click_api, geoip_db=places, ip_storage="full") as gateway:
        sent = visit()
        await send(gateway, sent, is_test=root == "testEvents")
        kept = expected(sent)
        (row,) = await gateway.rows(EVENTS[root])
        dropped = {name: in_database(row, name) for name, value in kept.items() if in_database(row, name) != value}
        assert not dropped, f"kept otherwise than sent or derived: {dropped}"
        node = await shown(gateway, root, kept)
        lost = {name: node[to_camel_case(name)] for name, value in kept.items() if node[to_camel_case(name)] != value}
        assert not lost, f"shown by {root} otherwise than kept: {lost}"


async def send(gateway: Gateway, fields: Mapping[str, Any], *, is_test: bool) -> None:
    await gateway.link()
    data = {**fields["additional_data"], "test_mode": True} if is_test else fields["additional_data"]
    answer = await gateway.track(None, **{**fields, "additional_data": data})
    assert answer.status_code == 200, answer.text


async def shown(gateway: Gateway, root: str, names: Iterable[str]) -> dict[str, Any]:
    fields = " ".join(map(to_camel_case, names))
    answer = await gateway.graphql(f"{{ {root} {{ nodes {{ {fields} }} }} }}", token=await gateway.token())
    assert "errors" not in answer, answer
    (node,) = answer["data"][root]["nodes"]
    found: dict[str, Any] = node
    return found
