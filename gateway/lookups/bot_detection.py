"""Tell bots from people, by their user agents. The judgement is about money, so both errors hurt.

A program that is neither a browser nor an app on somebody's device is a bot: nothing at all, a bare `Mozilla/5.0`, an
HTTP library, a test tool, a monitor. So is a browser in which a robot names itself: by a word ("bot", "prerender"), by
an address for complaints, or by a name on the list of crawlers.
"""

from enum import Enum

from gateway.lookups.crawler_names import CrawlerNames
from gateway.lookups.pattern_set import PatternSet, any_of
from gateway.lookups.user_agent import AgentKind, ParsedAgent


class BotSign(Enum):
    """What gives a robot away, and its pattern."""

    # Words by which it says what it is, wherever it says it. "Cubot" makes phones.
    WORD = any_of(
        r"(?:^|[^u])bots?(?:[^a-z]|$)|(?:^|[^c])ubots?(?:[^a-z]|$)|crawl|spider|scrap(?:er|ing|y)|\bslurp|harvest",
        r"headless|phantomjs|selenium|playwright|puppeteer|webdriver|cypress/|slimerjs|jsdom|happydom|testcafe|appium",
        r"katalon|browserless|wkhtmlto|webkit2png|cutycapt|prerender|lighthouse|page ?speed|gtmetrix|\bptst\b|httrack",
        r"webpagetest|pingdom|uptime|statuscake|site24x7|synthetic|dynatrace|datadog|newrelic|checkly|catchpoint",
        r"gomezagent|speedcurve|thousandeyes|appdynamics|applitools|debugbear|dejaclick|neustar wpm|http.?client",
        r"proofpoint|barracuda|mimecast",
        # Addresses for complaints.
        r"https?://|mailto:",
        # What looks for holes.
        r"\$\{|<\?|<script|\bselect\b.*(?:[('*]|\bfrom\b)|\bsleep\(|/etc/|\.\./",
        # Versions that were never filled in.
        r"\b(?:Chrome|Firefox|Safari)/[a-z]",
        # Browsers write exactly "(KHTML, like Gecko)", or a version after a comma.
        r"like Gecko *; *\w|KHTML, like Gecko \w+ \d",
    )
    # Crawlers write `compatible; Name/1.0; …` into a comment; of browsers, only those of long ago did.
    COMPATIBLE = any_of(r"\bcompatible(?:[;,)]|$)", case=True)
    COMPATIBLE_BROWSER = any_of(
        r"\(compatible; *(?:MSIE|Konqueror|Linux|iCab|IBrowse|U;|Webpositive|Origyn|OmniWeb|Opera|NetPositive|Polaris)"
    )
    COMPATIBLE_TWICE = any_of(r"\bcompatible[;,)].*\bcompatible[;,)]", case=True)
    # Words that are a robot's in a browser, but may be an app's name ("CamScanner") or a phone's.
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
    """Made once: the constructor compiles the list of crawlers."""

    def __init__(self) -> None:
        self._signs = PatternSet(sign.value for sign in SIGNS)
        self._crawlers = CrawlerNames()

    def __call__(self, agent: ParsedAgent) -> bool:
        """Tell whether an agent is a bot's. Never raises."""
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
