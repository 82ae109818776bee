"""Damaged links, for example by mail programs, still find their partner; unknown codes are counted."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from sqlalchemy import update

from db.schema.links import ReferralLink
from gateway.unknown_codes import OTHERS, UnknownCodes
from graph.domain.affiliate_urls import read_affiliate_url, without_damage
from graph.domain.fields import CODE
from tests.support.click_apis import both_apis
from tests.support.gateways import Gateway, body_of

SITE = "https://shop.example/"
TAILS = [".", ",", ")", "]", "/", "'", '"', "%20", "+", "%22%3E", "%3E", "%", "%E2%80%8B", "%EF%BB%BF", "%C2%A0", "%ff"]
TAILS += ["%00", "\u2026", "\u201d", "%0D%0A", "%2520", "%252F."]
FINDING_BLOG = [
    "?aff=BLOG",
    *(f"?aff=BLOG{tail}" for tail in TAILS),
    "?aff=BLOG" + "%20" * 200,
    "?x=1&amp;aff=BLOG",
    "?amp;aff=BLOG",
    "?x=1&amp%3Baff=BLOG",
    "?x=1&amp;amp;aff=BLOG",
    "?x=1&amp;aff=BLOG%20",
    "?x=1&amp;aff=BLOG&amp;aff=OTHER",
    "?amp;aff=OTHER&aff=BLOG",
    "?aff=BLOG&aff=OTHER",
    "?%ff=1&aff=BLOG",
    "?%ff=1&amp;aff=BLOG&amp;aff=OTHER",
    "?aff=BLOG%ff",
    "?amp;aff=BLOG%ff",
]
FINDING_NOTHING = ["?aff=blog", "?aff=%20BLOG", "?aff=BLOG%20X", "?aff=BLOGS", "?aff=.", "?aff=%2520", "?aff=BLOG%2541"]
WITHOUT_AFF = ["?AFF=BLOG", "?amp;affx=BLOG", "?xamp;aff=BLOG", "?aff=&amp;aff=BLOG", "?amp;aff=", "?ampaff=BLOG"]
WITHOUT_AFF += ["?%ff", "?%ff=1&%e3%81=2", "?%ff=1&aff=", "?%ff=1&aff=&amp;aff=BLOG", "?a%ffaff=BLOG"]


def counted(code: str) -> float:
    return REGISTRY.get_sample_value("clickgate_unknown_code_clicks_total", {"code": code}) or 0


@pytest.mark.slow
@both_apis
async def test_a_damaged_link_finds_its_partner(gateway: Gateway) -> None:
    for code in ("BLOG", "OTHER"):
        await gateway.link(code)
    for query in FINDING_BLOG:
        answer = body_of(await gateway.track(None, affiliate_url=SITE + query))
        assert answer.get("partner_code") == "BLOG", (query, answer)
    assert await gateway.recorded() == len(FINDING_BLOG)


@pytest.mark.slow
@both_apis
async def test_an_undamaged_unknown_code_is_refused(gateway: Gateway) -> None:
    await gateway.link("BLOG")
    errors = dict.fromkeys(FINDING_NOTHING, "Referral link not found")
    errors |= dict.fromkeys(WITHOUT_AFF, "No aff parameter found in affiliate_url")
    for query, error in errors.items():
        answer = await gateway.track(None, affiliate_url=SITE + query)
        assert (answer.status_code, body_of(answer).get("error")) == (400, error), query
    assert await gateway.recorded() == 0


@pytest.mark.slow
@both_apis
async def test_a_links_own_code_is_never_treated_as_damaged(gateway: Gateway) -> None:
    """New codes are validated, but older or manually inserted ones may end with any character."""
    await gateway.link("BLOG")
    await gateway.link("OLD")
    await gateway.execute(update(ReferralLink).where(ReferralLink.code == "OLD").values(code="BLOG."))
    assert body_of(await gateway.track("BLOG."))["partner_code"] == "BLOG."
    assert body_of(await gateway.track("BLOG.."))["partner_code"] == "BLOG"


@pytest.mark.slow
@both_apis
async def test_an_unknown_code_is_counted(gateway: Gateway) -> None:
    before = counted("NOBODYS"), counted(OTHERS)
    await gateway.track("NOBODYS")
    await gateway.track("NOBODYS.")
    await gateway.track("someone@mail.example")
    await gateway.track("x" * 65)
    assert (counted("NOBODYS"), counted(OTHERS)) == (before[0] + 2, before[1] + 2)
    metrics = (await gateway.http.get("/metrics")).text
    assert 'clickgate_unknown_code_clicks_total{code="NOBODYS"}' in metrics
    assert "someone" not in metrics


@pytest.mark.slow
def test_unknown_codes_are_bounded_and_repeated_ones_stay() -> None:
    codes = UnknownCodes(max_codes=3)
    others = counted(OTHERS)
    for code in ("lost", "lost", *(f"probe{number}" for number in range(50)), "lost"):
        codes.count(code)
    assert counted("lost") == 3
    assert [number for number in range(50) if counted(f"probe{number}")] == [48, 49]
    assert counted(OTHERS) == others + 48


def test_with_several_processes_only_the_first_codes_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/nowhere")
    codes = UnknownCodes(max_codes=2)
    others = counted(OTHERS)
    for code in ("first", "second", "third", "first"):
        codes.count(code)
    assert (counted("first"), counted("second"), counted("third"), counted(OTHERS)) == (2, 1, 0, others + 1)


@pytest.mark.slow
@given(
    st.from_regex(CODE, fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs", "L", "N"], exclude_characters="_-%")),
)
def test_characters_that_cannot_be_part_of_a_code_are_cut_from_its_end(code: str, damage: str) -> None:
    assert without_damage(code + damage) == code
    assert without_damage(code + damage + "%") == code
    assert without_damage(code + quote(damage, safe="")) == code
    assert read_affiliate_url(f"{SITE}?aff={code}{quote(damage, safe='')}").code == code + damage


@pytest.mark.slow
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_repaired_code_is_a_prefix_that_ends_like_a_code(text: str) -> None:
    left = without_damage(text)
    assert text.startswith(left)
    assert not left or CODE.fullmatch(left[-1])
    assert without_damage(left) == left
