"""Detects bots by their user agents. Partners are paid per click, so errors in both directions cost money.

A program that is neither a browser nor an app on a person's device is a bot: a missing agent, a bare `Mozilla/5.0`, an
HTTP library, a test tool, a monitor. So is a browser whose agent names a bot: by a word ("bot", "prerender"), by a
contact address, or by a name on the list of crawlers.
"""

from enum import Enum

from gateway.lookups.crawler_names import CrawlerNames
from gateway.lookups.pattern_set import PatternSet, any_of
from gateway.lookups.user_agent import AgentKind, ParsedAgent


class BotSign(Enum):
    """A sign of a bot, and the pattern that finds it."""

    # Words that identify a bot anywhere in an agent. "Cubot" is a brand of phones.
    WORD = any_of(
        r"(?:^|[^u])bots?(?:[^a-z]|$)|(?:^|[^c])ubots?(?:[^a-z]|$)|crawl|spider|scrap(?:er|ing|y)|\bslurp|harvest",
        r"headless|phantomjs|selenium|playwright|puppeteer|webdriver|cypress/|slimerjs|jsdom|happydom|testcafe|appium",
        r"katalon|browserless|wkhtmlto|webkit2png|cutycapt|prerender|lighthouse|page ?speed|gtmetrix|\bptst\b|httrack",
        r"webpagetest|pingdom|uptime|statuscake|site24x7|synthetic|dynatrace|datadog|newrelic|checkly|catchpoint",
        r"gomezagent|speedcurve|thousandeyes|appdynamics|applitools|debugbear|dejaclick|neustar wpm|http.?client",
        r"proofpoint|barracuda|mimecast",
        # Contact addresses.
        r"https?://|mailto:",
        # Injection attempts of vulnerability scanners.
        r"\$\{|<\?|<script|\bselect\b.*(?:[('*]|\bfrom\b)|\bsleep\(|/etc/|\.\./",
        # Version placeholders that were never replaced.
        r"\b(?:Chrome|Firefox|Safari)/[a-z]",
        # Imitations of "(KHTML, like Gecko)", which browsers write exactly like that or with a version after a comma.
        r"like Gecko *; *\w|KHTML, like Gecko \w+ \d",
    )
    # Crawlers write `compatible; Name/1.0; …` in a comment; among browsers, only old ones did.
    COMPATIBLE = any_of(r"\bcompatible(?:[;,)]|$)", case=True)
    COMPATIBLE_BROWSER = any_of(
        r"\(compatible; *(?:MSIE|Konqueror|Linux|iCab|IBrowse|U;|Webpositive|Origyn|OmniWeb|Opera|NetPositive|Polaris)"
    )
    COMPATIBLE_TWICE = any_of(r"\bcompatible[;,)].*\bcompatible[;,)]", case=True)
    # Words that identify a bot in a browser's agent, but may be part of an app's name ("CamScanner") or a phone's.
    WORD_IN_BROWSER = any_of(
        r"monitor|check|validat|verif|scan|\bprobe|audit|inspector|analy[sz]|research|survey|preview|fetch|archiv",
        r"indexer|transcoder|proxy\b|\bfeed|\brss\b|thumb(?:nail|\b)|screenshot|webscreen|favicon|mshots|snapshot",
        r"capture\b|benchmark|\btest|\bseo|grabber|extract|measurement|observatory|diagnostics|translate\b|-user/\d",
        r"google-\w|\w-google\b|\bwww\.|\b[\w.+-]+(?:@| ?\[at\] ?)[\w-]+\.[a-z]",
    )
    DOMAIN = any_of(
        r"(?:^|[\s(;+,])(?:[a-z][\w-]*\.)+(?:com|net|org|io|ru|de|fr|co|eu|uk|info|dev|app|ai|cz|nl|us|biz|me|pl|it|ch)"
        r"(?:$|[\s/;),])",
        case=True,
    )


SIGNS = tuple(BotSign)


class BotCheck:
    """Tells whether a user agent is a bot's. Create it once: the constructor compiles the list of crawlers."""

    def __init__(self) -> None:
        self._signs = PatternSet(sign.value for sign in SIGNS)
        self._crawlers = CrawlerNames()

    def __call__(self, agent: ParsedAgent) -> bool:
        """Return whether a user agent is a bot's. Never raises."""
        if agent.kind is AgentKind.OTHER:
            return True
        signs = {SIGNS[position] for position in self._signs.found_in(agent.names)}
        if BotSign.WORD in signs or _claims_compatibility(signs):
            return True
        if agent.kind is AgentKind.WEB_VIEW:
            return False
        if agent.kind is AgentKind.APP:
            return self._crawlers.named_in(agent.names, apps=True)
        return BotSign.WORD_IN_BROWSER in signs or BotSign.DOMAIN in signs or self._crawlers.named_in(agent.names)


def _claims_compatibility(signs: set[BotSign]) -> bool:
    if BotSign.COMPATIBLE_BROWSER in signs:
        return BotSign.COMPATIBLE_TWICE in signs
    return BotSign.COMPATIBLE in signs
