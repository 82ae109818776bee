"""The one list of a visit's fields.

Everything that names these fields is made from it: the columns of clicks and test clicks, the record that is stored,
what REST and GraphQL take and show, the OpenAPI document, and the tests that send each field through. To add a field,
see docs/adding-a-field.md.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Literal, TypeAlias

from db.schema.url_parts import PARAMETERS, PART_LENGTH, SUBS, UTM, normal_host, page_of

FieldType: TypeAlias = Literal["text", "flag", "json"]
"""A text (null if unknown), true or false (false if unknown), or a JSON object (null if none was sent)."""
Source: TypeAlias = Literal["sent", "device", "place", "derived", "computed"]
"""Where a value comes from: the sender of the click; the look-up of its user agent (`gateway.lookups.device`) or of its
address (`gateway.lookups.geo`); other fields of the click (`graph.domain.derived_fields`), so that it can be filled in
for stored clicks; or anything else that the gateway knows (`graph.domain.enrichment`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickFilter:
    """How lists of clicks are filtered by a field: to the clicks that have one value of it."""

    description: str
    normalize: Callable[[str], str] | None = None
    """Bring a value into the form that is stored, such as lower case; None where values are compared as they are."""


@dataclass(frozen=True, slots=True)
class ReportDimension:
    """How reports tell clicks apart by the values of a field."""

    name: str
    is_url: bool = False
    """Whether values are URLs, which are counted without their query and fragment."""


@dataclass(frozen=True, slots=True)
class VisitField:
    """A field of a visit."""

    name: str
    source: Source
    type: FieldType = "text"
    _: KW_ONLY
    length: int | None = None
    """The characters that are stored of a text."""
    same_as: str = ""
    """Another field. Where both have the same text, an empty one is stored here, so that it takes space once."""
    is_cut: bool = True
    """Whether a text that is too long is cut to its length; code that refuses it says so to the sender."""
    description: str
    """What the field holds, for those who read clicks."""
    sent_description: str = ""
    """What to send, where `description` does not say it."""
    example: object = None
    """A value, for the OpenAPI document."""
    filter: ClickFilter | None = None
    dimension: ReportDimension | None = None


def _parameter(name: str, meaning: str) -> VisitField:
    spellings = ", ".join(f"`{spelling}`" for spelling in PARAMETERS[name])
    source = (
        f"the first of {spellings} that `affiliateUrl` has" if "," in spellings else f"{spellings} of `affiliateUrl`"
    )
    return VisitField(
        name,
        "derived",
        length=PART_LENGTH,
        description=f"{meaning}: {source}.",
        filter=ClickFilter(description=f"Only clicks with this `{name}`."),
        dimension=ReportDimension(name),
    )


AFFILIATE_URL = VisitField(
    "affiliate_url",
    "sent",
    description="URL of the landing page, with the link's code in its `aff` parameter.",
    sent_description="Full URL of the landing page with its `aff` parameter. Required outside test mode.",
    example="https://yoursite.com/pricing?aff=PARTNER123",
    is_cut=False,
)
"""The landing, by which a click finds its link. It is sent with a visit, but stored as part of the click."""

VISIT_FIELDS = (
    VisitField(
        "page_url",
        "sent",
        length=2048,
        description="Canonical URL of the page.",
        example="https://yoursite.com/pricing",
    ),
    VisitField(
        "page_title",
        "sent",
        length=512,
        description="Title of the page (`document.title`).",
        example="Pricing — YourSite",
    ),
    VisitField(
        "referrer_url",
        "sent",
        length=2048,
        description="URL of the page that the visitor came from (`document.referrer`).",
        example="https://blog.example.com/post",
        dimension=ReportDimension("referrer", is_url=True),
    ),
    VisitField(
        "referrer_host",
        "derived",
        length=PART_LENGTH,
        description="Host of the page that the visitor came from, in lower case and without a final dot.",
        filter=ClickFilter(description="Only clicks from this host, in any case.", normalize=normal_host),
        dimension=ReportDimension("referrer_host"),
    ),
    VisitField(
        "landing_page",
        "derived",
        length=PART_LENGTH,
        same_as="page_url",
        description="The page that the visitor landed on: `pageUrl` or else `affiliateUrl`, without its query and "
        "fragment.",
        filter=ClickFilter(
            description="Only clicks that landed on this page, whose query and fragment are ignored.",
            normalize=page_of,
        ),
        dimension=ReportDimension("landing_page"),
    ),
    *(_parameter(name, meaning) for name, meaning in {**UTM, **SUBS}.items()),
    VisitField(
        "session_id",
        "sent",
        length=128,
        description="Identifier of the browser session.",
        example="sess_abc123",
        filter=ClickFilter(description="Only clicks of this browser session."),
    ),
    VisitField(
        "user_agent",
        "sent",
        length=512,
        description="User agent of the visitor's browser.",
        sent_description="User agent of the visitor's browser, if it differs from the `User-Agent` header.",
    ),
    VisitField(
        "screen_resolution",
        "sent",
        length=32,
        description="Size of the screen, such as `1920x1080`.",
        example="1920x1080",
    ),
    VisitField(
        "viewport_size",
        "sent",
        length=32,
        description="Size of the browser's viewport, such as `1280x800`.",
        example="1280x800",
    ),
    VisitField(
        "language",
        "sent",
        length=64,
        description="Language of the browser, such as `en-US`.",
        example="en-US",
        dimension=ReportDimension("language"),
    ),
    VisitField(
        "timezone",
        "sent",
        length=64,
        description="IANA time zone of the browser, such as `America/New_York`.",
        example="America/New_York",
    ),
    VisitField(
        "existing_click_id",
        "sent",
        length=128,
        description="The click id that the browser already had, as it was sent.",
        sent_description="A click id that was issued before. If it belongs to a customer of the link's program, the "
        "click is recorded for that customer.",
        example="cust_42_1715000000000",
    ),
    VisitField(
        "event_id",
        "sent",
        length=64,
        is_cut=False,
        description="The sender's identifier of the click, by which a repeated click is recognized.",
        sent_description="Your own identifier of the click, of 1 to 64 characters. A click that is sent again with the "
        "same identifier is recorded once.",
        example="0190b5a2-7c3e-7000-8000-5f3c1d2e4a6b",
        filter=ClickFilter(description="Only the click with this `event_id`."),
    ),
    VisitField(
        "additional_data",
        "sent",
        "json",
        description="Any other data that was sent.",
        sent_description='Any other data to store, an object. With `{"test_mode": true, "program_id": 1}`, a test '
        "event is recorded, which does not count as a click.",
        example={"campaign": "spring"},
    ),
    VisitField(
        "is_bot",
        "device",
        "flag",
        description="Whether a bot made the click: a crawler, an HTTP library, a test tool or a monitor.",
        filter=ClickFilter(description="Only clicks of bots, or only clicks of people."),
    ),
    VisitField(
        "device_type",
        "device",
        length=32,
        description="`desktop`, `mobile`, `tablet`, `tv`, `console` or `other`; null without a user agent.",
        filter=ClickFilter(
            description="Only clicks from this type of device: `desktop`, `mobile`, `tablet`, `tv`, `console` or "
            "`other`, in any case.",
            normalize=str.lower,
        ),
        dimension=ReportDimension("device_type"),
    ),
    VisitField(
        "device_brand",
        "device",
        length=64,
        description="Brand of the device.",
        dimension=ReportDimension("device_brand"),
    ),
    VisitField("device_model", "device", length=128, description="Model of the device."),
    VisitField(
        "os",
        "device",
        length=64,
        description="Operating system.",
        filter=ClickFilter(description="Only clicks from this operating system."),
        dimension=ReportDimension("os"),
    ),
    VisitField("os_version", "device", length=32, description="Version of the operating system."),
    VisitField(
        "browser",
        "device",
        length=64,
        description="Browser.",
        filter=ClickFilter(description="Only clicks from this browser."),
        dimension=ReportDimension("browser"),
    ),
    VisitField("browser_version", "device", length=32, description="Version of the browser."),
    VisitField(
        "country",
        "place",
        length=32,
        description="ISO 3166-1 alpha-2 code of the country that the visitor's address belongs to.",
        filter=ClickFilter(
            description="Only clicks from this country, given as its ISO 3166-1 alpha-2 code in any case.",
            normalize=str.upper,
        ),
        dimension=ReportDimension("country"),
    ),
    VisitField(
        "region",
        "place",
        length=128,
        description="English name of the region (the first-level subdivision) that the visitor's address belongs to.",
        dimension=ReportDimension("region"),
    ),
    VisitField(
        "city",
        "place",
        length=128,
        description="English name of the city that the visitor's address belongs to.",
        dimension=ReportDimension("city"),
    ),
    VisitField(
        "ip_address",
        "computed",
        length=64,
        description="The visitor's IP address, in full or truncated; null if the gateway stores no addresses.",
    ),
)
"""What is stored of each visit, in the order in which it is shown."""

SENT_FIELDS = (
    AFFILIATE_URL,
    *sorted((field for field in VISIT_FIELDS if field.source == "sent"), key=lambda field: field.name == "event_id"),
)
"""What a click is sent with, in the order in which a field of the wrong type is reported: the event id last."""
DEVICE_FIELDS = tuple(field for field in VISIT_FIELDS if field.source == "device")
PLACE_FIELDS = tuple(field for field in VISIT_FIELDS if field.source == "place")
DERIVED_FIELDS = tuple(field for field in VISIT_FIELDS if field.source == "derived")
