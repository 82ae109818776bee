"""Request bodies: any content type and any bytes, up to 64 KiB.

The tests of this file share the gateways, and each test looks only at the events that its own responses name.
"""

import json
from collections.abc import AsyncIterator

import pytest

from tests.support.click_bodies import URL, body, data_of, event_of, recorded
from tests.support.databases import KINDS, MAKERS, MakeDatabase
from tests.support.gateways import Gateway, body_of, running_gateway

LIMIT = 64 * 1024
LENGTHS = {
    "page_url": 2048,
    "page_title": 512,
    "referrer_url": 2048,
    "session_id": 128,
    "user_agent": 512,
    "screen_resolution": 32,
    "viewport_size": 32,
    "language": 64,
    "timezone": 64,
    "existing_click_id": 128,
}
CONTENT_TYPES = [
    "application/json",
    "application/json; charset=utf-8",
    "application/json; charset=latin-1",
    "text/plain",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "nonsense",
    "",
]
NO_OBJECTS = [
    *(b"", b" ", b"null", b"true", b"1", b'"{}"', b"[]", b"[{}]", b"{", b"}", b"{}{}", b"{} x", b"{}\0", b"\0{}"),
    *(
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a" 1}',
        b"{a: 1}",
        b'{"a": 01}',
        b'{"a": .5}',
        b'{"a": 1.}',
        b'{"a": +1}',
        b'{"a"}',
    ),
    *(b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b'{"page_url": NaN}', b'{"additional_data": {"a": NaN}}'),
    *(b'{"page_url": "a\nb"}', b'{"page_url": "a\0b"}', b'{"page_url": "\\x41"}', b'{"page_url": "\\u12"}'),
    *(
        b"// comment\n{}",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        b"\xff\xfe{\0}\0",
        b"\xff{}",
        b"aff=PARTNER123",
    ),
    *(b'{"a": "', b'{"a": "\\', b'{"a": "\\ud8', b'{"a": tru}', b"\xa0{}", b"\x0c{}"),
]


@pytest.fixture(scope="module", params=KINDS)
def shared_url(request: pytest.FixtureRequest) -> str:
    make: MakeDatabase = request.getfixturevalue(MAKERS[request.param])
    return make()


@pytest.fixture(scope="module")
async def shared(shared_url: str) -> AsyncIterator[Gateway]:
    async with running_gateway(shared_url) as gateway:
        await gateway.link("PARTNER123")
        yield gateway


async def chunked(content: bytes, size: int = 4000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.slow
async def test_the_body_is_json_whatever_its_content_type(shared: Gateway) -> None:
    sent = body(page_title='"Preise für Ärzte ☀"')
    for kind in CONTENT_TYPES:
        event = await event_of(shared, await shared.send(sent, **{"Content-Type": kind}))
        assert (kind, event["page_title"]) == (kind, "Preise für Ärzte ☀")
    assert (await shared.send(sent)).status_code == 200


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
async def test_a_body_may_have_at_most_64_kib(shared: Gateway, declared: bool) -> None:
    before = await shared.recorded()
    statuses = []
    for size in (LIMIT, LIMIT + 1, LIMIT * 40):
        sent = body().ljust(size)
        answer = await shared.http.post("/api/v1/track/click", content=sent if declared else chunked(sent))
        statuses.append(answer.status_code)
        assert answer.status_code == 200 or set(body_of(answer)) <= {"error", "code"}
    assert statuses == [200, 413, 413]
    assert await shared.recorded() == before + 1


async def test_a_body_that_is_too_large_need_not_be_json(shared: Gateway) -> None:
    assert (await shared.send(b"\xff" * (LIMIT + 1))).status_code == 413
    assert (await shared.send(b"\xff" * LIMIT)).status_code == 400


async def test_a_body_that_is_not_a_json_object_is_refused(shared: Gateway) -> None:
    before = await shared.recorded()
    for sent in NO_OBJECTS:
        answer = await shared.send(sent)
        assert (sent, answer.status_code) == (sent, 400)
        assert (sent, body_of(answer)["error"]) == (sent, "Request body must be a JSON object")
    assert await shared.recorded() == before


async def test_a_byte_order_mark_is_ignored(shared: Gateway) -> None:
    assert (await recorded(shared, b"\xef\xbb\xbf" + body(page_title='"x"')))["page_title"] == "x"


async def test_a_byte_that_is_not_utf_8_becomes_a_replacement_character(shared: Gateway) -> None:
    for raw, read in [(b"\xff", "\ufffd"), (b"\xe4rzte", "\ufffdrzte"), (b"\xc3\xa4", "ä"), (b"\xe2\x82", "\ufffd")]:
        event = await recorded(shared, body()[:-1] + b', "page_title": "a ' + raw + b' z"}')
        assert event["page_title"] == f"a {read} z"
    raw_surrogate = await recorded(shared, body()[:-1] + b', "page_title": "\xed\xa0\x80"}')
    assert set(raw_surrogate["page_title"]) == {"\ufffd"}
    assert await data_of(shared, b'{"\xff": ["\xfe"]}') == {"\ufffd": ["\ufffd"]}
    ignored = await recorded(shared, body()[:-1] + b', "\xff": "\xff", "unknown": "\xff"}')
    assert ignored["affiliate_url"] == URL


async def test_a_lone_surrogate_becomes_a_replacement_character(shared: Gateway) -> None:
    for name in [*LENGTHS, "event_id"]:
        event = await recorded(shared, body(**{name: rf'"{name} \udfff\ud800"'}))
        assert event[name] == f"{name} \ufffd\ufffd"
    pair = await recorded(shared, body(page_title=r'"\ud83d\ude00 \ude00\ud83d \ud83d\ud83d\ude00"'))
    assert pair["page_title"] == "😀 \ufffd\ufffd \ufffd😀"
    kept = await data_of(shared, r'{"\ud800": {"a": ["\udc00", {"\udfffx": 1}]}, "\ud83d\ude00": "\ud83d\ude00"}')
    assert kept == {"\ufffd": {"a": ["\ufffd", {"\ufffdx": 1}]}, "😀": "😀"}
    unknown_code = await shared.send(rb'{"affiliate_url": "https://yoursite.com/?aff=\ud800"}')
    assert body_of(unknown_code)["error"] == "Referral link not found"
    in_the_url = await shared.send(rb'{"affiliate_url": "https://yoursite.com/\ud800?aff=PARTNER123&x=\udfff"}')
    kept_url = (await event_of(shared, in_the_url))["affiliate_url"]
    assert kept_url == "https://yoursite.com/\ufffd?aff=PARTNER123&x=\ufffd"


async def test_nuls_never_reach_the_database(shared: Gateway) -> None:
    for name in LENGTHS:
        event = await recorded(shared, body(**{name: rf'"\u0000{name}\u0000\u0000 x\u0000"'}))
        assert event[name] == f"{name} x"
    assert (await recorded(shared, body(page_title=r'"\u0000"')))["page_title"] in ("", None)
    kept = await data_of(shared, r'{"a\u0000": "\u0000", "b": [{"\u0000c": ["d\u0000d", "\\u0000"]}]}')
    assert kept == {"a": "", "b": [{"c": ["dd", "\\u0000"]}]}
    url = await shared.send(rb'{"affiliate_url": "\u0000https://yoursite.com/\u0000?aff=PARTNER123#\u0000"}')
    assert (await event_of(shared, url))["affiliate_url"] == "https://yoursite.com/?aff=PARTNER123#"
    everywhere = dict.fromkeys(LENGTHS, r'"\u0000"') | {"additional_data": r'{"\u0000": "\u0000"}'}
    assert (await shared.send(body(**everywhere))).status_code == 200
    assert (await shared.send(body(event_id=r'"a\u0000b"'))).status_code in (200, 400)
    test_data = r'{"test_mode": true, "x\u0000": "\u0000"}'
    assert (await shared.send(body(**everywhere | {"additional_data": test_data}))).status_code == 200


async def test_the_last_of_duplicate_keys_wins(shared: Gateway) -> None:
    event = await recorded(shared, body(page_title='"first", "page_title": "last"', language='5, "language": "en"'))
    assert (event["page_title"], event["language"]) == ("last", "en")
    assert (await recorded(shared, body(page_title='"x", "page_title": null')))["page_title"] is None
    assert (await shared.send(body(language='"en", "language": 5'))).status_code == 400
    assert await data_of(shared, '{"a": 1, "a": 2}') == {"a": 2}
    escaped = await recorded(shared, body(page_title=r'"first", "page\u005ftitle": "last"'))
    assert escaped["page_title"] == "last"


@pytest.mark.slow
async def test_deep_nesting_is_stored_or_refused(shared: Gateway) -> None:
    for depth in (50, 200, 300, 400, 480, 500, 600, 700, 800, 900, 960, 980, 990, 1000, 1100, 5000, 10_000):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            value = opening * depth + "1" + closing * depth
            for fields in ({"unknown": value}, {"additional_data": f'{{"x": {value}}}'}):
                for oddity in (b"", b"\xef\xbb\xbf"):
                    answer = await shared.send(oddity + body(**fields))
                    assert answer.status_code in ((200,) if depth <= 200 else (200, 400))
    assert (await shared.send(b'{"a":' * 10_000)).status_code == 400
    assert (await shared.send(b"[" * LIMIT)).status_code == 400


async def test_nesting_too_deep_to_decode_is_refused(shared: Gateway) -> None:
    deep = "[" * 30_000 + "]" * 30_000
    for fields in ({"unknown": deep}, {"additional_data": f'{{"x": {deep}}}'}):
        answer = await shared.send(body(**fields))
        assert answer.status_code == 400
        assert isinstance(body_of(answer)["error"], str)


async def test_numbers_of_any_size_are_stored_or_become_null(shared: Gateway) -> None:
    sent = '{"a": 9007199254740993, "b": -18446744073709551616, "c": 1e308, "d": 1e-999, "e": -0.0}'
    assert await data_of(shared, sent) == {"a": 2**53 + 1, "b": -(2**64), "c": 1e308, "d": 0.0, "e": 0.0}
    sent = '{"a": 1e999, "b": -1e999, "c": [{"d": 1e400}], "e": 1.5}'
    assert await data_of(shared, sent) == {"a": None, "b": None, "c": [{"d": None}], "e": 1.5}
    assert await data_of(shared, f'{{"a": {"7" * 5000}, "b": -{"7" * 5000}}}') == {"a": None, "b": None}
    for number in ("1e999", "7" * 5000, f"0.{'7' * 5000}", f"1e-{'7' * 5000}"):
        assert (await shared.send(body(unknown=number))).status_code == 200
        refused = await shared.send(body(page_url=number))
        assert (refused.status_code, "page_url" in body_of(refused).get("error", "")) in ((400, True), (200, False))


@pytest.mark.parametrize("digits", [309, 401, 4300])
async def test_a_number_is_read_alike_in_both_decoding_passes(shared: Gateway, digits: int) -> None:
    data = f'{{"a": {"7" * digits}, "x": "%s"}}'
    plain, odd = await data_of(shared, data % "x"), await data_of(shared, data % r"\ud800")
    assert plain["a"] == odd["a"]


async def test_long_texts_are_truncated_to_their_columns(shared: Gateway) -> None:
    for letter in ("x", "é", "😀"):
        texts = {name: letter * (length + 1) for name, length in LENGTHS.items()}
        quoted = {name: json.dumps(text, ensure_ascii=False) for name, text in texts.items()}
        event = await recorded(shared, body(**quoted))
        assert {name: event[name] for name in LENGTHS} == {name: letter * length for name, length in LENGTHS.items()}
        exact = await recorded(shared, body(**{name: f'"{text[1:]}"' for name, text in texts.items()}))
        assert {name: exact[name] for name in LENGTHS} == {name: event[name] for name in LENGTHS}


async def test_very_long_texts_are_truncated(shared: Gateway) -> None:
    for name, length in LENGTHS.items():
        event = await recorded(shared, body(**{name: f'"{"x" * 60_000}"'}))
        assert event[name] == "x" * length
    long_host = await recorded(shared, body(referrer_url=f'"https://{"a." * 1000}example/"'))
    assert len(long_host["referrer_host"] or "") <= 255
    sent = body().replace(b"?aff", b"?" + b"x" * 65_000 + b"&aff")
    assert len((await recorded(shared, sent))["affiliate_url"]) == len(URL) + 65_001


async def test_a_long_user_agent_header_is_truncated(shared: Gateway) -> None:
    agent = "Mozilla/5.0 é " + "x" * 5000
    answer = await shared.http.post(
        "/api/v1/track/click", content=body(), headers=[(b"User-Agent", agent.encode() + b"\xff")]
    )
    assert (await event_of(shared, answer))["user_agent"] == agent[:512]


async def test_null_is_the_same_as_absent(shared: Gateway) -> None:
    nulls = dict.fromkeys([*LENGTHS, "event_id", "additional_data", "unknown"], "null")
    event = await recorded(shared, body(**nulls))
    names = [name for name in nulls if name not in ("unknown", "user_agent")]
    assert {event[name] for name in names} == {None}
    assert event["user_agent"] == shared.http.headers["User-Agent"]
