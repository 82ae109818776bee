"""What a click is described by: parameters, the landing page and the referrer's host, from any URLs."""

from time import process_time
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strawberry.utils.str_converters import to_camel_case

from db.schema.url_parts import PARAMETERS, PART_LENGTH
from db.schema.visit_fields import DERIVED_FIELDS
from graph.domain.affiliate_urls import CACHED_LENGTH, read_affiliate_url
from graph.domain.derived_fields import derived_fields
from graph.http.body import BODY_BYTES
from tests.support.click_apis import both_apis
from tests.support.gateways import Gateway

SITE = "https://yoursite.com/pricing"
LONG = "é" * 300


def found(query: str, *, start: str = f"{SITE}?") -> dict[str, str]:
    """Return the parameters that are derived from a URL with this query."""
    fields = derived_fields(start + query, None, None)
    return {name: value for name, value in fields.items() if name in PARAMETERS and value is not None}


@pytest.mark.parametrize(
    ("query", "expected"),
    {
        "aff=X&utm_source=a&utm_medium=b&utm_campaign=c&utm_term=d&utm_content=e": {
            "utm_source": "a",
            "utm_medium": "b",
            "utm_campaign": "c",
            "utm_term": "d",
            "utm_content": "e",
        },
        "aff=X&utm_id=1&sub=2&sub6=3&sub_id0=4&mysub1=5&sub1x=6&sub=7": {},
        "utm_source=spring%20sale%2B1+now": {"utm_source": "spring sale+1 now"},
        "utm_source=%C3%A9%e2%82%ac": {"utm_source": "é€"},
        "utm_source=é": {"utm_source": "é"},
        "utm_source=a%ffb&utm_term=50%&utm_medium=%zz%4": {
            "utm_source": "a\ufffdb",
            "utm_term": "50%",
            "utm_medium": "%zz%4",
        },
        "utm_source=%ED%A0%80": {"utm_source": "\ufffd\ufffd\ufffd"},
        "utm_source=a%00b&utm_medium=%00": {"utm_source": "ab"},
        "utm_source=a=b=c": {"utm_source": "a=b=c"},
        "utm%5Fsource=a&%73ub1=b": {"utm_source": "a", "sub1": "b"},
        "UTM_SOURCE=a&Sub1=b&SUBID=c": {},
        "utm_source=a&utm_source=b": {"utm_source": "a"},
        "utm_source=&utm_source=b&utm_medium=&utm_term": {"utm_source": "b"},
        "utm_source=a;utm_medium=b": {"utm_source": "a;utm_medium=b"},
        f"utm_source={LONG}": {"utm_source": LONG[:PART_LENGTH]},
        "utm_source=a#utm_medium=b&sub1=c": {"utm_source": "a"},
        "#?utm_source=a": {},
        "aff=X&amp;utm_source=a&amp;amp;sub1=b": {"utm_source": "a", "sub1": "b"},
        "amp;utm_source=a&utm_source=b&amp;=c&amp;": {"utm_source": "b"},
        "aff_sub=1": {"sub1": "1"},
        "aff_sub1=1&aff_sub=2": {"sub1": "1"},
        "aff_sub=1&subid=2": {"sub1": "2"},
        "aff_sub=1&subid=2&subid1=3": {"sub1": "3"},
        "subid1=3&sub_id=4": {"sub1": "4"},
        "sub_id=4&sub_id1=5": {"sub1": "5"},
        "sub_id1=5&sub1=6": {"sub1": "6"},
        "sub1=&sub_id1=%00&subid1=7": {"sub1": "7"},
        "sub_id2=a&subid3=b&aff_sub4=c&sub5=d&aff_sub5=e&sub_id=f": {
            "sub1": "f",
            "sub2": "a",
            "sub3": "b",
            "sub4": "c",
            "sub5": "d",
        },
    }.items(),
)
def test_parameters(query: str, expected: dict[str, str]) -> None:
    assert found(query) == expected


@pytest.mark.parametrize("start", ["HTTPS://YOURSITE.com?", "https://yoursite.com:8443/a?", "app://shop/x?", "app:x?"])
def test_parameters_of_any_kind_of_url(start: str) -> None:
    assert found("utm_source=a&sub_id=b", start=start) == {"utm_source": "a", "sub1": "b"}


@pytest.mark.parametrize(
    "url", [None, "", "utm_source=a", "/pricing?utm_source=a", "https://?utm_source=a", "https://["]
)
def test_a_url_that_is_none_has_no_parameters(url: str | None) -> None:
    assert not any(derived_fields(url, None, None)[name] for name in PARAMETERS)


@pytest.mark.parametrize(
    ("affiliate_url", "page_url", "expected"),
    [
        (f"{SITE}?aff=X#top", None, SITE),
        (f"{SITE}#top?aff=X", None, SITE),
        (f"{SITE}?aff=X", "https://yoursite.com/?page=1#top", "https://yoursite.com/"),
        (f"{SITE}?aff=X", "", SITE),
        (f"{SITE}?aff=X", "?page=1", SITE),
        (f"{SITE}?aff=X", "\0", SITE),
        (f"{SITE}\0?aff=X", None, SITE),
        (f"{SITE}?aff=X", "/a path", "/a path"),
        (f"https://yoursite.com/{LONG}?aff=X", None, f"https://yoursite.com/{LONG}"[:PART_LENGTH]),
        (None, None, None),
        ("?aff=X", None, None),
    ],
)
def test_landing_pages(affiliate_url: str | None, page_url: str | None, expected: str | None) -> None:
    assert derived_fields(affiliate_url, page_url, None)["landing_page"] == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [("Blog.Example.COM.", "blog.example.com"), ("blog.example.com..", "blog.example.com"), (".", None), ("", None)],
)
def test_hosts_have_one_spelling(host: str, expected: str | None) -> None:
    assert derived_fields(None, None, host)["referrer_host"] == expected


NAMES = st.sampled_from([*(name for names in PARAMETERS.values() for name in names), "sub", "sub6", "utm_id", "aff"])
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.just(LONG)
QUOTED = st.sampled_from([quote, quote_plus, lambda text: "".join(f"%{byte:02x}" for byte in text.encode())])


@pytest.mark.slow
@given(st.lists(st.tuples(NAMES, VALUES, QUOTED)))
def test_the_first_parameter_with_the_best_name_counts(pairs: list[tuple[str, str, Any]]) -> None:
    query = "&".join(f"{quoted(name)}={quoted(value)}" for name, value, quoted in pairs)
    kept = [(name, text) for name, value, _ in pairs if (text := value.replace("\0", "")[:PART_LENGTH])]
    expected = {}
    for field, names in PARAMETERS.items():
        values = [text for name in names for given, text in kept if given == name]
        expected[field] = values[0] if values else None
    assert read_affiliate_url(f"{SITE}?{query}").parameters == expected


PIECES = st.sampled_from(
    ["utm_source", "sub1", "aff_sub", "amp;", "&", "=", "?", "#", "%", "%00", "%ff", "+", ".", "/"]
)
TEXTS = st.lists(PIECES | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)).map("".join)
URLS = TEXTS | TEXTS.map(SITE.__add__) | TEXTS.map(f"{SITE}?".__add__)


@given(URLS, st.none() | URLS, st.none() | TEXTS)
@example(f"{SITE}?utm_\0source=a", f"{'a' * 254}\0?", "a" * 254 + "..b")
def test_what_is_derived_can_be_stored_and_derived_again(
    affiliate_url: str, page_url: str | None, referrer_host: str | None
) -> None:
    fields = derived_fields(affiliate_url, page_url, referrer_host)
    assert list(fields) == [field.name for field in DERIVED_FIELDS]
    for value in fields.values():
        assert value is None or (0 < len(value) <= PART_LENGTH and "\0" not in value and value.encode())
    stored_page = None if page_url is None else page_url.replace("\0", "")[:2048]
    assert derived_fields(affiliate_url.replace("\0", ""), stored_page, fields["referrer_host"]) == fields


@pytest.mark.parametrize(
    "piece",
    ["&", "a&", "amp;", "&amp;sub1=", "utm_source=&", "sub1=%ff&", "%", "%41", "&%73ub1", "=", "sub5=a&", "?#", "%ff&"],
)
def test_the_longest_url_takes_milliseconds(piece: str) -> None:
    url = f"{SITE}?{piece * (BODY_BYTES // len(piece))}"
    started = process_time()
    derived_fields(url, url, url)
    assert process_time() - started < 0.2


@both_apis
async def test_a_clicks_url_is_read_once_however_long_it_is(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    await gateway.link()
    monkeypatch.delattr("graph.domain.derived_fields.read_affiliate_url")
    url = f"{SITE}?aff=PARTNER123&utm_source=a&utm_term={'x' * CACHED_LENGTH}"
    assert (await gateway.track(None, affiliate_url=url)).status_code == 200
    (event,) = await gateway.events()
    assert (event["utm_source"], event["utm_term"]) == ("a", "x" * PART_LENGTH)


@pytest.mark.slow
@both_apis
async def test_clicks_are_described_and_found_by_what_their_urls_say(gateway: Gateway) -> None:
    await gateway.link()
    described = f"{SITE}?aff=PARTNER123&utm_source=a&utm_medium=b&utm_campaign=Spring+sale&utm_term=c&utm_content=d"
    described += "&aff_sub=1&sub2=2&sub_id3=3&subid4=4&aff_sub5=5"
    referrer = "https://Blog.Example.COM./post"
    assert (await gateway.track(None, affiliate_url=described, referrer_url=referrer)).status_code == 200
    other = f"https://yoursite.com/?aff=PARTNER123&utm\0_term=x&utm_source={LONG}"
    assert (await gateway.track(None, affiliate_url=other)).status_code == 200
    first, second = await gateway.events()
    expected = {
        "referrer_host": "blog.example.com",
        "landing_page": SITE,
        "utm_source": "a",
        "utm_medium": "b",
        "utm_campaign": "Spring sale",
        "utm_term": "c",
        "utm_content": "d",
        **{f"sub{number}": str(number) for number in range(1, 6)},
    }
    assert {name: first[name] for name in expected} == expected
    assert (second["landing_page"], second["utm_term"]) == ("https://yoursite.com/", "x")
    asked = {**expected, "referrer_host": "BLOG.example.com.", "landing_page": f"{SITE}?any=1#where"}
    token = await gateway.token()
    for name, value in asked.items():
        assert await listed(gateway, token, {to_camel_case(name): value}) == [first["id"]], name
        assert await listed(gateway, token, {to_camel_case(name): f"x{value}"}) == [], name
    assert await listed(gateway, token, {"utmSource": LONG[:PART_LENGTH]}) == [second["id"]]
    assert await listed(gateway, token, {"utmSource": "a", "sub1": "2"}) == []
    for row in (first, second):
        again = derived_fields(row["affiliate_url"], row["page_url"], row["referrer_host"])
        assert again == {name: row[name] for name in again}


@both_apis
async def test_a_page_that_is_the_landing_page_is_stored_once(gateway: Gateway) -> None:
    await gateway.link()
    pages = [SITE, f"{SITE}?a=b", SITE, None]
    for page in pages:
        answer = await gateway.track(None, affiliate_url=f"{SITE}?aff=PARTNER123", page_url=page)
        assert answer.status_code == 200
    stored = await gateway.events()
    assert [row["landing_page"] for row in stored] == ["", SITE, "", SITE]
    token = await gateway.token()
    assert sorted(await listed(gateway, token, {"landingPage": SITE})) == [row["id"] for row in stored]
    assert await listed(gateway, token, {"landingPage": ""}) == []
    found = await gateway.graphql("{ clickEvents { nodes { pageUrl landingPage } } }", token=token)
    shown = found["data"]["clickEvents"]["nodes"]
    assert sorted(map(str, shown)) == sorted(str({"pageUrl": page, "landingPage": SITE}) for page in pages)


async def listed(gateway: Gateway, token: str, filter: dict[str, str]) -> list[int]:
    """Return the ids of the clicks that a filter leaves."""
    query = "query ($filter: ClickEventFilter) { clickEvents(filter: $filter) { nodes { databaseId } totalCount } }"
    answer = await gateway.graphql(query, {"filter": filter}, token=token)
    assert "errors" not in answer, answer
    nodes = answer["data"]["clickEvents"]["nodes"]
    assert answer["data"]["clickEvents"]["totalCount"] == len(nodes)
    return [node["databaseId"] for node in nodes]
