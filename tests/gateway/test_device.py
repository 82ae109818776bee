"""The device lookup, compared with the libraries that it is built on."""

import re
from collections.abc import Iterator
from typing import Any

import crawleruseragents
import pytest
import user_agents
from hypothesis import given, settings
from hypothesis import strategies as st
from ua_parser import user_agent_parser

from gateway.lookups.device import AGENT_CHARS, CACHE_ENTRIES, NO_AGENT, SPIDER, DeviceLookup
from graph.domain.visit import Device

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1"
)
IPAD = (
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 "
    "Mobile/15E148 Safari/604.1"
)
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0"
LIBRARIES = ["curl/8.7.1", "python-requests/2.32.3"]
BROWSERS = [
    IPHONE,
    IPAD,
    MAC,
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 "
        "Safari/537.36 Edg/125.0.2535.92"
    ),
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    (
        "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.71 Mobile "
        "Safari/537.36"
    ),
    "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0",
    (
        "Mozilla/5.0 (Linux; Android 12; KFTRWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/112.5.1 "
        "Chrome/112.0.5615.213 Safari/537.36"
    ),
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0; ARM; Touch; NOKIA; Lumia 920)",
    "Mozilla/5.0 (BB10; Touch) AppleWebKit/537.10+ (KHTML, like Gecko) Version/10.0.9.2372 Mobile Safari/537.10+",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/9.80 (S60; SymbOS; Opera Mobi/23.348; U; en) Presto/2.5.25 Version/10.54",
    *LIBRARIES,
]
CRAWLERS = [text for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for text in entry.get("instances", [])]
LATE_CRAWLER = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_10_1) AppleWebKit/600.2.5 (KHTML, like Gecko) Version/8.0.2 "
    "Safari/600.2.5 (Applebot/0.1; +http://www.apple.com/go/applebot)"
)


@pytest.fixture(scope="module")
def lookup() -> DeviceLookup:
    return DeviceLookup()


@pytest.fixture
def unbounded_patterns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Treat three-digit repeat bounds in ua-parser's Python patterns as unbounded, like the native parser."""
    parsers: list[Any] = [*user_agent_parser.USER_AGENT_PARSERS, *user_agent_parser.OS_PARSERS]
    for parser in parsers + user_agent_parser.DEVICE_PARSERS:
        pattern = re.sub(r"\{0,\d{3}\}", "*", parser.user_agent_re.pattern)
        pattern = re.sub(r"\{1,\d{3}\}", "+", pattern)
        monkeypatch.setattr(parser, "user_agent_re", re.compile(pattern, parser.user_agent_re.flags))
    user_agent_parser._PARSE_CACHE.clear()
    yield
    user_agent_parser._PARSE_CACHE.clear()


def expected(text: str, *, is_bot: bool) -> Device:
    """Return the result of `user-agents`, without `is_bot`, which we judge differently."""
    agent = user_agents.parse(text)
    kinds = (("tablet", agent.is_tablet), ("mobile", agent.is_mobile), ("desktop", agent.is_pc))
    return Device(
        is_bot=is_bot,
        device_type=next((kind for kind, applies in kinds if applies), "other"),
        device_brand=agent.device.brand,
        device_model=agent.device.model,
        os=agent.os.family,
        os_version=agent.os.version_string or None,
        browser=agent.browser.family,
        browser_version=agent.browser.version_string or None,
    )


@pytest.mark.parametrize("text", BROWSERS)
def test_browsers_match_the_results_of_user_agents(lookup: DeviceLookup, text: str) -> None:
    assert lookup(text) == expected(text, is_bot=text in LIBRARIES)


def test_an_iphone_is_recognised_in_full(lookup: DeviceLookup) -> None:
    assert lookup(IPHONE) == Device(
        is_bot=False,
        device_type="mobile",
        device_brand="Apple",
        device_model="iPhone",
        os="iOS",
        os_version="17.5",
        browser="Mobile Safari",
        browser_version="17.5",
    )


@pytest.mark.parametrize(
    ("text", "kind"), [(IPAD, "tablet"), (IPHONE, "mobile"), (MAC, "desktop"), ("curl/8.7.1", "other")]
)
def test_each_device_type_is_recognised(lookup: DeviceLookup, text: str, kind: str) -> None:
    assert lookup(text).device_type == kind


@pytest.mark.slow
@pytest.mark.usefixtures("unbounded_patterns")
def test_crawlers_match_the_results_of_user_agents_without_its_bounds(lookup: DeviceLookup) -> None:
    for text in CRAWLERS:
        told = lookup(text)
        if told.is_bot and told.device_type not in ("tv", "console"):
            assert told == expected(text, is_bot=True)


def test_a_crawler_name_beyond_the_bounds_of_python_is_found(lookup: DeviceLookup) -> None:
    assert not user_agents.parse(LATE_CRAWLER).is_bot
    assert lookup(LATE_CRAWLER).device_brand == "Spider"


def test_a_missing_agent_is_a_bot_with_nothing_else_known(lookup: DeviceLookup) -> None:
    assert lookup("") == lookup(" \t") == Device(is_bot=True)


def test_a_person_mistaken_for_a_spider_by_the_parser_has_an_unknown_device(lookup: DeviceLookup) -> None:
    text = "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; Banca Caboto s.p.a.; rv:11.0) like Gecko"
    assert user_agents.parse(text).device.family == SPIDER
    told = lookup(text)
    assert (told.is_bot, told.device_brand, told.device_model) == (False, None, None)


def test_an_unknown_version_is_none(lookup: DeviceLookup) -> None:
    device = lookup("nothing known")
    assert (device.os, device.os_version, device.browser, device.browser_version) == ("Other", None, "Other", None)


def test_names_are_truncated_to_their_columns_and_have_no_nuls(lookup: DeviceLookup) -> None:
    agent = "Mozilla/5.0 (Linux; Android 14; {} Build/UP1A) AppleWebKit/537.36 Chrome/125.0.0.0 Mobile Safari/537.36"
    assert lookup(agent.format("M" * 300)).device_model == "M" * 128
    assert lookup(agent.format("M\0M")).device_model == "MM"


def test_text_beyond_the_limit_is_ignored(lookup: DeviceLookup) -> None:
    filled = MAC + " " * (AGENT_CHARS - len(MAC) - len(" Googlebot/2.1"))
    assert lookup(f"{filled} Googlebot/2.1").is_bot
    assert not lookup(f"{filled} {' ' * 14} Googlebot/2.1").is_bot


def test_a_second_lookup_comes_from_a_bounded_cache(lookup: DeviceLookup) -> None:
    assert lookup(MAC) is lookup(MAC)
    assert lookup._cached.cache_info().maxsize == CACHE_ENTRIES


@pytest.mark.parametrize("text", ["VLC/1.2.\u00b2", "\x00", "\ud800", "\U0001f600 bot\udfff/1", "VLC/1.2.\u0663"])
def test_unusual_characters_do_not_raise(lookup: DeviceLookup, text: str) -> None:
    assert lookup(text).device_type == "other"


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.text(st.characters(codec=None))
    | st.lists(st.sampled_from([*BROWSERS, "VLC/1.2.", "\u00b2", "\x00", "\ud800"]), max_size=4).map("".join)
)
def test_no_text_raises_an_error(lookup: DeviceLookup, text: str) -> None:
    device = lookup(text)
    kinds = {"tv", "console", "tablet", "mobile", "desktop", "other"}
    assert device == NO_AGENT if not text or text.isspace() else device.device_type in kinds
