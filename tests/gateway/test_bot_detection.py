"""Bot detection: at most 1 in 1,000 browsers may count as a bot, and at least 19 in 20 crawlers, HTTP libraries, test
tools and monitors must."""

from pathlib import Path

import pytest

from gateway.lookups.crawler_names import CrawlerNames, as_word
from gateway.lookups.device import DeviceLookup
from tests.support.agent_samples import browsers, crawlers, sample
from tests.support.click_apis import both_apis
from tests.support.gateways import Gateway
from tests.support.npm_packages import AGENTS, installed

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; {} Build/UP1A.231005.007{}) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/142.0.0.0 Mobile Safari/537.36"
)


@pytest.fixture(scope="module")
def lookup() -> DeviceLookup:
    return DeviceLookup()


@pytest.fixture(scope="module")
def npm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("agents"), AGENTS)


@pytest.mark.parametrize("agent", sample("people"))
def test_a_browser_is_a_person(lookup: DeviceLookup, agent: str) -> None:
    assert not lookup(agent).is_bot


@pytest.mark.parametrize("agent", ["", " ", "\t", *sample("bots")])
def test_a_program_that_is_not_a_browser_is_a_bot(lookup: DeviceLookup, agent: str) -> None:
    assert lookup(agent).is_bot


@pytest.mark.slow
def test_at_least_nineteen_in_twenty_known_crawlers_are_bots(lookup: DeviceLookup) -> None:
    agents = crawlers()
    people = [agent for agent in agents if not lookup(agent).is_bot]
    assert len(agents) > 2000
    assert len(people) <= len(agents) / 20, people


@pytest.mark.slow
def test_at_most_one_in_a_thousand_browsers_is_a_bot(lookup: DeviceLookup, npm: Path) -> None:
    weights = browsers(npm)
    bots = [agent for agent in weights if lookup(agent).is_bot]
    assert len(weights) > 900
    assert len(bots) <= len(weights) / 1000, bots
    assert sum(weights[agent] for agent in bots) <= 1 / 1000


@pytest.mark.parametrize("name", ["Spider", "Sonic 5", "Butterfly", "CUBOT X50", "Expanse", "Monitor", "Bot Tab 10"])
@pytest.mark.parametrize("view", ["", "; wv"])
def test_a_phone_that_is_named_like_a_crawler_is_a_person(lookup: DeviceLookup, name: str, view: str) -> None:
    assert not lookup(PHONE.format(name, view)).is_bot
    assert not lookup(PHONE.format(name, view).replace(" Build/UP1A.231005.007", "")).is_bot


@pytest.mark.parametrize("name", ["Viber/25.3.0", "MetaIAB Facebook", "SogouMobileBrowser/5.28", "CamScanner/6.9"])
def test_an_in_app_browser_that_is_named_like_a_crawler_is_a_person(lookup: DeviceLookup, name: str) -> None:
    assert not lookup(f"{PHONE.format('SM-A546B', '; wv')} {name}").is_bot


@pytest.mark.parametrize(
    "name",
    [
        "Acmebot/2.1",
        "acme-bot",
        "GTmetrix",
        "Hardenize",
        "Site24x7",
        "AcmeSynthetics/1.0",
        "+https://example.com/crawl",
    ],
)
def test_a_browser_whose_agent_names_a_bot_is_a_bot(lookup: DeviceLookup, name: str) -> None:
    assert lookup(f"{CHROME} {name}").is_bot
    assert lookup(f"{CHROME} ({name})").is_bot
    assert lookup(CHROME.replace("; x64)", f"; x64; {name})")).is_bot


def test_crawler_names_match_only_whole_words() -> None:
    names = CrawlerNames()
    assert names.named_in("Sogou web spider/4.0")
    assert not names.named_in("SogouMobileBrowser/5.28")
    assert names.named_in("Viber", apps=True)
    assert not names.named_in("Viber")


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("Sogou", r"\b(?:Sogou)\b"),
        (r"Googlebot\/", r"\b(?:Googlebot\/)"),
        (r"^Silk\/", r"(?:^Silk\/)"),
        (r"(^| )PTST\/", r"(?:(^| )PTST\/)"),
        (r"SSL Labs$", r"\b(?:SSL Labs$)"),
    ],
)
def test_a_crawler_pattern_is_turned_into_a_whole_word_pattern(pattern: str, word: str) -> None:
    assert as_word(pattern) == word


@pytest.mark.parametrize("line", sample("types"))
def test_televisions_and_consoles_have_their_own_device_types(lookup: DeviceLookup, line: str) -> None:
    kind, _, agent = line.partition(" ")
    device = lookup(agent)
    assert (device.device_type, device.is_bot) == (kind, False)


@both_apis
async def test_a_click_without_a_user_agent_is_a_bot(gateway: Gateway) -> None:
    await gateway.link()
    del gateway.http.headers["User-Agent"]
    await gateway.track(user_agent=None)
    await gateway.track(user_agent="")
    await gateway.track(user_agent=CHROME)
    bots = [(event["is_bot"], event["user_agent"]) for event in await gateway.events()]
    assert bots == [(True, None), (True, None), (False, CHROME)]


@pytest.mark.slow
@both_apis
async def test_an_empty_user_agent_field_falls_back_to_the_header(gateway: Gateway) -> None:
    await gateway.link()
    gateway.http.headers["User-Agent"] = CHROME
    await gateway.track(user_agent="")
    assert [(event["is_bot"], event["user_agent"]) for event in await gateway.events()] == [(False, CHROME)]
