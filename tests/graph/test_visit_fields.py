"""Every field of a visit, sent through both faces, stored, and read back from the database and from GraphQL.

The fields come from `db.schema.visit_fields`, so a new one is covered at once. If nothing computes it, the test fails
and names it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from mmdb_writer import MMDBWriter
from msgspec.structs import asdict
from netaddr import IPSet
from strawberry.utils.str_converters import to_camel_case

import rest.tracker
from db.ingest.clicks.records import VisitRecord
from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.url_parts import PARAMETERS
from db.schema.visit_fields import AFFILIATE_URL, SENT_FIELDS, VISIT_FIELDS, VisitField
from gateway.services import device_lookup
from graph.domain.visit import Place, Visit
from graph.reports.dimensions import Dimension
from graph.schema import types
from graph.schema.click_filters import ClickEventFilter
from graph.schema.clicks import TrackClickInput
from tests.support.click_apis import ClickApi, both_apis
from tests.support.gateways import Gateway, running_gateway

# Every field of its device is known, and is_bot is true, so that a field that is dropped shows.
BOT = (
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.7390.122 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)
PLACE = Place(country="XL", region="Loop", city="Peer")
IN_URL = {name: f"{name} in the URL" for name in PARAMETERS}
# The fields whose source is "derived" or "computed".
COMPUTED: dict[str, Any] = {
    "referrer_host": "blog.example.com",
    "landing_page": "https://yoursite.com/",
    **IN_URL,
    "ip_address": "127.0.0.1",
}
SPECIAL: dict[str, Any] = {
    "affiliate_url": f"https://yoursite.com/pricing?aff=PARTNER123&{urlencode(IN_URL)}",
    "page_url": "https://yoursite.com/?page=1",
    "referrer_url": "https://blog.example.com/post",
    "user_agent": BOT,
    "additional_data": {"campaign": "spring"},
}
SENT = [field.name for field in SENT_FIELDS]
SHOWN = [AFFILIATE_URL.name, *(field.name for field in VISIT_FIELDS)]
IN_HEADERS = {"user_agent"}
TRACKER = Path(rest.tracker.__file__).parent / "tracker.js"
JSON_FIELDS = [field.name for field in VISIT_FIELDS if field.type == "json"]
EVENTS = {"clickEvents": ClickEvent, "testEvents": ClickTestEvent}


def field_names(type_: Any) -> set[str]:
    return {field.python_name for field in type_.__strawberry_definition__.fields}


def columns(table: Any) -> set[str]:
    return set(table.__table__.columns.keys())


def test_every_field_is_in_every_place() -> None:
    shown, sent = set(SHOWN), set(SENT)
    missing = {
        "affiliate_click_events": shown - columns(ClickEvent),
        "affiliate_click_test_events": shown - columns(ClickTestEvent),
        "the record of a visit": shown - {*VisitRecord.__struct_fields__, AFFILIATE_URL.name},
        "a visit": sent - set(Visit.__struct_fields__),
        "TrackClickInput": sent ^ field_names(TrackClickInput),
        "ClickEvent": shown - field_names(types.ClickEventType),
        "TestEvent": shown - field_names(types.TestEventType),
        "ReportDimension": {field.dimension.name for field in VISIT_FIELDS if field.dimension} - set(Dimension),
        "ClickEventFilter": {field.name for field in VISIT_FIELDS if field.filter} - field_names(ClickEventFilter),
    }
    fail_if(missing)


def fail_if(missing: Mapping[str, Iterable[str]]) -> None:
    lacking = [f"{place} lacks {', '.join(sorted(names))}" for place, names in missing.items() if names]
    if lacking:
        pytest.fail("\n".join(lacking))


def test_every_field_has_a_name_of_its_own_and_every_text_a_length() -> None:
    assert len(set(SHOWN)) == len(SHOWN)
    assert [field.name for field in VISIT_FIELDS if (field.type == "text") != (field.length is not None)] == []


def test_the_tracker_sends_every_field_but_those_in_headers() -> None:
    unsent = {name for name in SENT if not re.search(rf"\b{name}[:\"]", TRACKER.read_text())}
    assert unsent == IN_HEADERS


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
    """Return a value for each field that is sent, no two of them alike."""
    return {field.name: SPECIAL.get(field.name, sample(field)) for field in SENT_FIELDS}


def sample(field: VisitField) -> Any:
    match field.type:
        case "text":
            return f"{field.name} sent"[: field.length]
        case "json":
            return {field.name: "sent"}
        case "flag":
            return True


def expected(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored of a visit."""
    derived = {**asdict(device_lookup()(BOT)), **asdict(PLACE), **COMPUTED}
    unknown = [name for name in SHOWN if {**sent, **derived}.get(name) in (None, False)]
    assert not unknown, f"not computed, or not from what this test sends (see BOT, PLACE and COMPUTED): {unknown}"
    return {**sent, **derived}


def in_database(row: Mapping[str, Any], name: str) -> Any:
    return json.loads(row[name]) if name in JSON_FIELDS else row[name]


@both_apis
@pytest.mark.parametrize("root", EVENTS)
async def test_every_field_is_kept_and_shown(database_url: str, click_api: ClickApi, places: str, root: str) -> None:
    async with running_gateway(database_url, click_api, geoip_db=places, ip_storage="full") as gateway:
        sent = visit()
        kept = expected(sent)
        await send(gateway, sent, is_test=root == "testEvents")
        (row,) = await gateway.rows(EVENTS[root])
        dropped = {name: in_database(row, name) for name, value in kept.items() if in_database(row, name) != value}
        assert not dropped, f"stored with another value than was sent or computed: {dropped}"
        node = await shown(gateway, root, kept)
        lost = {name: node[to_camel_case(name)] for name, value in kept.items() if node[to_camel_case(name)] != value}
        assert not lost, f"shown by {root} with another value than is stored: {lost}"


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
