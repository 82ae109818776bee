"""Domains: whatever people paste is either normalized or refused."""

import json

import pytest
from sqlalchemy import update

from db.schema.programs import Program
from graph.domain.site_domains import InvalidDomain, normalized_domain
from graph.query.landing_url import landing_url
from tests.support.admin_mutations import changed, refusal
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway
from tests.support.processes import clickgate

WRITTEN = {
    "shop.example": "shop.example",
    "https://shop.example": "shop.example",
    "HTTP://WWW.Shop.Example./pricing?plan=a#top": "www.shop.example",
    "//shop.example/": "shop.example",
    "  shop.example\t": "shop.example",
    "shop.example:443": "shop.example",
    "http://shop.example:80": "shop.example",
    "shop.example:8443": "shop.example:8443",
    "localhost": "localhost",
    "http://localhost:3000/": "localhost:3000",
    "web:8000": "web:8000",
    "127.0.0.1:8000": "127.0.0.1:8000",
    "[::1]:8000": "[::1]:8000",
    "bücher.example": "xn--bcher-kva.example",
    "BÜCHER.example": "xn--bcher-kva.example",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "faß.example": "xn--fa-hia.example",
    "موقع.example": "xn--4gbrim.example",
    "نامه‌ای.example": "xn--mgba3gch31f060k.example",
    "shop。example": "shop.example",
    "my_shop.example": "my_shop.example",
}
NO_DOMAINS = [
    *("", " ", ".", "shop", "nonsense", "https://", "https://https://shop.example", "https//shop.example"),
    *("ftp://shop.example", "mailto:me@shop.example", "javascript:alert(1)", "file:///etc/passwd"),
    *("user:secret@shop.example", "https://shop.example@evil.example", "@shop.example"),
    *("shop example", "shop.example, other.example", "shop.\u00a0example", "shop.ex\nample", "shop\0.example"),
    *("a..example", ".shop.example", "shop.example..", "-a.example", "a-.example", "*.shop.example", "xn--a.example"),
    *("x" * 64 + ".example", "x." * 130 + "example", "shop.example:0", "shop.example:99999", "shop.example:port"),
    *("127.1", "1", "0x7f.0.0.1", "300.1.1.1", "shop.123", "[::1", "a\u202eb.example", "a\u200db.example"),
]


@pytest.mark.parametrize(("text", "domain"), WRITTEN.items())
def test_every_spelling_of_a_domain_is_normalized(text: str, domain: str) -> None:
    assert normalized_domain(text) == domain
    assert normalized_domain(domain) == domain
    assert landing_url(None, text, "CODE") == landing_url(None, domain, "CODE") == f"https://{domain}/?aff=CODE"


@pytest.mark.parametrize("text", NO_DOMAINS)
def test_an_invalid_domain_is_refused_and_never_published(text: str) -> None:
    with pytest.raises(InvalidDomain, match="must"):
        normalized_domain(text)
    assert landing_url(None, text, "CODE") is None


async def test_a_programs_domain_is_the_same_whoever_sets_it(gateway: Gateway) -> None:
    admin = await gateway.token()
    made = (await changed(gateway, "createProgram", admin, name="Shop", domain="https://Shop.Example/"))["program"]
    assert made["domain"] == "shop.example"
    updated = await changed(gateway, "updateProgram", admin, id=made["id"], domain=" bücher.example. ")
    assert updated["program"]["domain"] == "xn--bcher-kva.example"
    told = [
        await refusal(gateway, "updateProgram", admin, id=made["id"], domain=text) for text in ("shop", "a@b.example")
    ]
    assert told == [("domain", "field_invalid")] * 2


@pytest.mark.slow
def test_the_command_line_sets_a_domain_the_same_way(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    done = clickgate(url, "program", "create", "--name", "Shop", "--domain", "https://shop.example")
    assert json.loads(done.stdout)["domain"] == "shop.example"
    done = clickgate(url, "program", "create", "--name", "Shop", "--domain", "user@shop.example")
    assert (done.returncode, done.stderr) == (1, "clickgate: domain must be a domain without a user name\n")


async def test_a_domain_stored_before_validation_is_published_normalized(gateway: Gateway) -> None:
    await gateway.link(program=await gateway.program(domain="shop.example"))
    for stored, url in (("https://Shop.Example/a", "https://shop.example/?aff=PARTNER123"), ("not a domain", None)):
        await gateway.execute(update(Program).values(domain=stored))
        answer = await gateway.graphql("{ referralLinks { nodes { url } } }", token=await gateway.token())
        assert answer["data"]["referralLinks"]["nodes"] == [{"url": url}]
