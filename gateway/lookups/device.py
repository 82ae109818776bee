"""Looks up device, operating system and browser from a user-agent string.

One object holds the compiled patterns and a bounded cache, so that a lookup takes microseconds. The libraries' own
entry points take almost a millisecond.
"""

from functools import lru_cache

from ua_parser import DefaultedResult, Domain, load_lazy_builtins
from ua_parser.regex import Resolver
from user_agents.parsers import UserAgent, parse_browser, parse_device, parse_operating_system

from gateway.lookups.bot_detection import BotCheck
from gateway.lookups.user_agent import ParsedAgent, read_agent
from graph.domain.enrichment import kept
from graph.domain.visit import Device

# Real agents have at most about 500 characters. The cut limits the time for a hostile one (4 ms at worst, measured) and
# the size of the cache: 4096 keys of 1024 ASCII characters take 4 MB.
AGENT_CHARS = 1024
CACHE_ENTRIES = 4096

# Automata build their states while matching. Without warming up, the first visitor's lookup would take 1 ms longer.
WARM_UP_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)

# ua-parser's device family for crawlers.
SPIDER = "Spider"
NO_AGENT = Device(is_bot=True)


class DeviceLookup:
    """Looks up devices by user agent. Create it once: the constructor compiles all patterns (about 0.1 s, 30 MB)."""

    def __init__(self) -> None:
        self._resolve = Resolver(load_lazy_builtins())
        self._is_bot = BotCheck()
        for agent in WARM_UP_AGENTS:
            self._look_up(agent)
        self._cached = lru_cache(maxsize=CACHE_ENTRIES)(self._look_up)

    def __call__(self, user_agent: str) -> Device:
        """Return the device for the first 1024 characters of `user_agent`.

        An empty or blank agent is a bot's, with nothing else known. Never raises.
        """
        if not user_agent or user_agent.isspace():
            return NO_AGENT
        return self._cached(user_agent[:AGENT_CHARS])

    def _look_up(self, user_agent: str) -> Device:
        # The native matchers encode the text as UTF-8 and would raise on a lone surrogate.
        text = user_agent.encode("utf-8", "replace").decode("utf-8")
        agent = read_agent(text)
        parsed = _Parsed(text, self._resolve(text, Domain.ALL).complete().with_defaults())
        is_bot = self._is_bot(agent)
        # ua-parser takes some people's devices for crawlers. Their brand and model are unknown.
        known = is_bot or parsed.device.family != SPIDER
        return Device(
            is_bot=is_bot,
            device_type=_device_type(agent, parsed),
            device_brand=kept("device_brand", parsed.device.brand or None) if known else None,
            device_model=kept("device_model", parsed.device.model or None) if known else None,
            os=kept("os", parsed.os.family),
            os_version=kept("os_version", parsed.os.version_string or None),
            browser=kept("browser", parsed.browser.family),
            browser_version=kept("browser_version", parsed.browser.version_string or None),
        )


class _Parsed(UserAgent):  # type: ignore[misc]  # user-agents ships no types
    """The properties of `user-agents`, computed from the result of ua-parser's native resolver.

    The parent's constructor is deliberately not called, because it tries hundreds of Python patterns one by one. The
    results are the same except for crawlers whose name comes late: the native parser treats bounded repeats of 100 or
    more (such as `.{0,100}bot`, meant to limit backtracking) as unbounded, and so finds names that Python misses.
    """

    def __init__(self, text: str, parsed: DefaultedResult) -> None:
        browser, system, device = parsed.user_agent, parsed.os, parsed.device
        self.ua_string = text
        self.browser = parse_browser(browser.family, *_version(browser.major, browser.minor, browser.patch))
        self.os = parse_operating_system(system.family, *_version(system.major, system.minor, system.patch))
        self.device = parse_device(device.family, device.brand, device.model)


def _version(*parts: str | None) -> tuple[str | None, ...]:
    # user-agents calls int() if isdigit() is true, which raises for characters such as a superscript two.
    return tuple(None if part and part.isdigit() and not part.isdecimal() else part for part in parts)


def _device_type(agent: ParsedAgent, parsed: _Parsed) -> str:
    # These come first, because a television that runs Android or Linux would count as a tablet or a desktop.
    if agent.is_console:
        return "console"
    if agent.is_television:
        return "tv"
    if parsed.is_tablet:
        return "tablet"
    if parsed.is_mobile:
        return "mobile"
    return "desktop" if parsed.is_pc else "other"
