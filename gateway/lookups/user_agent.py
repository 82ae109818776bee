"""Classifies a user agent as a browser, a web view, an app or another program, by its structure.

No list of user agents is ever complete, so the structure decides: a browser describes its machine and names its engine;
an app that sends requests without a web view names the phone or its system. Everything else is another program.
"""

import re
from enum import Enum
from typing import NamedTuple

from gateway.lookups.pattern_set import PatternSet, any_of

MOZILLA = "mozilla/"
# A browser's description of its machine ends at the first of these names of an engine or a browser.
MACHINE_ENDS = ("applewebkit", "gecko/", "khtml", "like gecko", "presto/", "chrome/", "firefox/", "opera/")
SYSTEM = any_of(
    r"\b(?:Windows|Win(?:32|64|9\w|NT)|Macintosh|Mac OS X|Mac_PowerPC|iPhone|iPad|iPod|iOS|Apple ?TV|tvOS|visionOS)",
    r"\b(?:Linux|X11|Wayland|Ubuntu|Unix|(?:Free|Open|Net|DragonFly )BSD|SunOS|IRIX|HP-UX|CYGWIN|CrOS|CrKey|Fuchsia)",
    r"\b(?:Android|(?:Open)?Harmony|Tizen|Bada|web[0O]S|hpwOS|Sailfish|MeeGo|Maemo|KaiOS|BB10|BlackBerry|PlayBook)",
    r"\b(?:Symb(?:ian|OS)|S60|Series ?[3468]0|J2ME|Java|MIDP|BREW|REX|PalmOS|Nokia|SAMSUNG|WILLCOM|jig browser)",
    r"\b(?:Mobile|Tablet|Phone|Watch|Kindle|QNX|OS/2|BeOS|Haiku|Amiga|MorphOS|RISC OS|Inferno)|; rv:\d",
)
# A phone's model is what follows "Android 14; ", up to the next semicolon or the build.
MODEL = re.compile(
    r"(Android[^;]{0,40};(?: ?(?:U|arm_64|[a-z]{2}(?:[-_][a-z]{2,4})?) ?;)*)[^;]*(?:;? ?Build/[^;)]*)?", re.IGNORECASE
)


class Feature(Enum):
    """A feature of a user agent, and the pattern that finds it."""

    ENGINE = any_of(
        r"(?:AppleWebKit|Gecko|KHTML|Trident|Presto|Goanna|ArkWeb|Servo|Ladybird|LibWeb)\b|like Gecko|\bMSIE \d",
        r"\b(?:Chrome|Chromium|CriOS|Firefox|FxiOS|Opera|Opera Mini|NetFront|Version|IBrowse)[/ ]\d",
        r"\b(?:Obigo|UCWEB|UCBrowser|NokiaBrowser|SEMC-Browser|TelecaBrowser|Polaris|jig browser|AWeb|KAIOS)\b",
        r"\bBuild/",
    )
    CONSOLE = any_of(r"\bPlayStation|\bPS[2-9]\b|\bPSP\b|\bNintendo|\bXbox|\bWiiU?\b|\bOuya\b|\bSteam(?:OS| Deck)")
    TELEVISION = any_of(
        r"\bSmart-?TV|\bHbbTV|\b(?:Apple|Google|Android|Net|Opera|Philips|Mi|BRAVIA|TSB|QTV|webOS)[ _.-]?TV|\bNETTV/",
        r"\bWeb0S\b|\bNetCast\b|\bBRAVIA\b|\bVIERA\b|\bVIDAA|\bTV Safari|\bTizen\b.*\bTV\b|\(DTV\b|SonyDTV|\bAquosTV",
        r"\bAFT[A-Z]\w*|\bCrKey\b|\bRoku|\bOMI/\d|\bMaple[ _]?\d|\bTiVo|\bSTB\b|\bMIBOX|\bChromecast|\bSHIELD Android",
        r"\bTV ?Box\b|\bTBrowser|\bVIZIO|\bYouView|\bBrightSign|\bUHD[ _]TV|\bTV Bro\b|\bCE-HTML",
    )
    # Phones with a TV receiver have TV in their names, too.
    TELEVISION_UNLESS_MOBILE = any_of(r"(?:\b|_)TV\b|\bDTV\b")
    # Browsers without "Mozilla" in their agent: on feature phones and televisions, and text browsers.
    OTHER_BROWSER = any_of(
        r"\bMIDP|\bCLDC|\bUP\.(?:Browser|Link)|\bMAUI\b|\bObigo|\bTeleca|\bDolfin/|\bNetFront/|\bPolaris/|\bNovarra",
        r"\bUC ?Browser|\bUCWEB|^(?:Opera|OPR)/|\bOpera Mini/|\bMQQBrowser/|\bSHP/VPP|\bWAP[ -]?Browser|\bIEMobile",
        r"^(?:Nokia|SonyEricsson|BlackBerry|SAMSUNG|SEC-|LGE?-|MOT-|SIE-|Alcatel|ZTE|HTC|Huawei|Panasonic)[\w.+-]*/",
        r"^(?:DoCoMo|KDDI|SoftBank|J-PHONE|Vodafone|portalmmm)\b",
        r"^(?:Lynx|E?Links|w3m|Dillo|NetSurf|edbrowse|IBrowse|AmigaVoyager|Amiga-AWeb|iCab|OmniWeb|NCSA.?Mosaic)[ /(]",
        r"^(?:Konqueror|Galeon|Midori|Emacs-W3|retawq|Ladybird|amaya|VMS_Mosaic)[ /(]",
        r"^(?:Roku|VIDAA|VIZIO|YouView|AppleTV|LOEWE|SmartTV)|\bHbbTV/\d|\bNETTV/\d",
    )
    # An app without a web view: it names the system's HTTP client, the system's version, or the phone.
    APP = any_of(
        r"\bCFNetwork/\d.*\b(?:Darwin|AppleTV)/\d|^Dalvik/\d|\bDalvik/\d.*\bAndroid\b|\bFBAN/",
        r"\b(?:iOS|iPadOS|iPhone[ _]OS|watchOS|tvOS|CPU OS|Android|Windows Phone)(?:[ /]Version)?[ /_]\d",
        r"\((?:iPhone|iPad|iPod(?: touch)?|Apple ?TV|Apple Watch|HomePod|Android)\d*[,;] ",
    )
    # A web view in an app.
    WEB_VIEW = any_of(
        r"; ?wv\b|\bVersion/4\.0 Chrome/\d|\b(?:Electron|AtomShell|QtWebEngine|nwjs|Crosswalk|BytedanceWebview)/\d",
        r"\bFB(?:_IAB|AN|AV|SV|IOS)\b|\bMetaIAB\b|\bMicroMessenger/|\bWebView/",
    )
    # Apple's web view, unless `Safari/` follows.
    APPLE_WEB_VIEW = any_of(r"\b(?:iPhone|iPad|iPod)\b.*\bMobile/\w")


class AgentKind(Enum):
    """The kind of program that sends a user agent."""

    BROWSER = "browser"
    WEB_VIEW = "web view"
    """The browser in an app, or on an old phone or television. Its agent may contain any name."""
    APP = "app"
    OTHER = "other"


class ParsedAgent(NamedTuple):
    """A classified user agent."""

    kind: AgentKind
    names: str
    """The text without the phone's model, since there are phones called Spider, Sonic and Cubot."""
    is_console: bool
    is_television: bool
    """Whether it is a television, or a device plugged into one."""


FEATURES = tuple(Feature)
_features = PatternSet(feature.value for feature in FEATURES)
_systems = PatternSet([SYSTEM])


def read_agent(text: str) -> ParsedAgent:
    """Classify a user agent, which must be encodable as UTF-8. Takes microseconds per hundred characters."""
    features = {FEATURES[position] for position in _features.found_in(text)}
    start = text.lower().find(MOZILLA)
    kind, names = _other(text, features) if start < 0 else _mozilla(text, start, features)
    television = Feature.TELEVISION in features or (
        Feature.TELEVISION_UNLESS_MOBILE in features and "Mobile" not in text
    )
    return ParsedAgent(kind, names, Feature.CONSOLE in features, television)


def _other(text: str, features: set[Feature]) -> tuple[AgentKind, str]:
    if Feature.OTHER_BROWSER in features:
        return AgentKind.WEB_VIEW, text
    return (AgentKind.APP if Feature.APP in features else AgentKind.OTHER), _without_model(text)


def _mozilla(text: str, start: int, features: set[Feature]) -> tuple[AgentKind, str]:
    lower = text.lower()
    ends = [end for name in MACHINE_ENDS if (end := lower.find(name, start)) >= 0]
    split = min(ends, default=len(text))
    before, machine, rest = text[:start], text[start:split], text[split:]
    screen = Feature.CONSOLE in features or Feature.TELEVISION in features
    if not (screen or (Feature.ENGINE in features and _systems.found_in(machine))):
        return AgentKind.OTHER, text
    web_view = Feature.WEB_VIEW in features or (Feature.APPLE_WEB_VIEW in features and "Safari/" not in rest)
    # Apps and phones may put a name in front of "Mozilla". In front of a desktop browser, the name is a bot's.
    if before.strip() and not (screen or web_view or "Mobile" in rest or Feature.OTHER_BROWSER in features):
        return AgentKind.OTHER, text
    return (AgentKind.WEB_VIEW if web_view else AgentKind.BROWSER), f"{before}{_without_model(machine)}{rest}"


def _without_model(text: str) -> str:
    return MODEL.sub(r"\1", text, count=1) if "ndroid" in text else text
