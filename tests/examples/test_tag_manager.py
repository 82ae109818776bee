"""The Tag Manager tags of the examples, in a real browser with a real gateway."""

import json
from typing import Any

import pytest

from tests.support.example_files import EXAMPLES
from tests.support.shop import Shop, Visitor

SCRIPT = "https://clicks.shop.example/js/affitor-tracker.js"
ALL_PAGES = "2147479553"
CONSENT = '// script.setAttribute("data-affitor-consent"'
# Fires a container's tags like Tag Manager: it parses a tag's markup, and replaces each script with a copy that has the
# same text and URL but no other attributes.
TAG_MANAGER = """
  const { tag: tags, trigger: triggers } = CONTAINER.containerVersion;
  const fire = (id) => {
    for (const tag of tags.filter((each) => each.firingTriggerId.includes(id))) {
      const markup = document.createElement("div");
      markup.innerHTML = tag.parameter.find((each) => each.key === "html").value;
      for (const parsed of markup.querySelectorAll("script")) {
        const script = document.createElement("script");
        script.async = false;
        script.text = parsed.text;
        if (parsed.src) script.src = parsed.src;
        document.body.append(script);
      }
    }
  };
  window.dataLayer = { push: ({ event }) => {
    for (const { triggerId, customEventFilter: [{ parameter }] } of triggers) {
      const value = (key) => parameter.find((each) => each.key === key).value;
      if (value("arg0") === "{{_event}}" && value("arg1") === event) fire(triggerId);
    }
  } };
  fire("ALL_PAGES");
"""


@pytest.fixture
async def codes(shop: Shop) -> list[str]:
    """The codes of two partners' links."""
    program = await shop.gateway.program()
    return [await shop.link(program=program) for _ in range(2)]


def container() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / "google-tag-manager" / "container.json").read_text())
    return found


async def managed(shop: Shop, **placeholders: str) -> Visitor:
    """Return a visitor of pages on which Tag Manager fires the container's tags."""
    text = json.dumps(container())
    for placeholder, value in {SCRIPT: shop.script, **placeholders}.items():
        assert placeholder in text
        text = text.replace(placeholder, value)
    script = TAG_MANAGER.replace("CONTAINER", text.replace("</", "<\\/")).replace("ALL_PAGES", ALL_PAGES)
    shop.usual = f"<!doctype html><title>Pricing</title><body><script>{{{script}}}</script>"
    return await shop.visitor()


async def test_the_container_matches_the_tag_files() -> None:
    names = {"clickgate tracker": "tracker-tag.html", "clickgate consent": "consent-tag.html"}
    for tag in container()["containerVersion"]["tag"]:
        (markup,) = (each["value"] for each in tag["parameter"] if each["key"] == "html")
        assert markup == (EXAMPLES / "google-tag-manager" / names.pop(tag["name"])).read_text()
    assert not names


async def test_the_tag_manager_tag_records_a_click(shop: Shop, codes: list[str]) -> None:
    visitor = await managed(shop)
    await visitor.page.goto(shop.url(f"/?aff={codes[0]}"))
    click_id = await visitor.click_id()
    assert await visitor.page.evaluate("affitor.programId") == 1
    assert len(await shop.events(codes[0])) == 1
    await visitor.page.goto(shop.url("/second"))
    assert await visitor.click_id() == click_id
    assert (len(visitor.posts), visitor.faults) == (1, [])


async def test_the_tag_manager_tag_waits_for_consent(shop: Shop, codes: list[str]) -> None:
    visitor = await managed(shop, **{json.dumps(CONSENT)[1:-1]: json.dumps(CONSENT[3:])[1:-1]})
    await visitor.page.goto(shop.url(f"/?aff={codes[0]}"))
    await visitor.page.wait_for_function("() => window.affitor?.loaded")
    await visitor.page.evaluate("location.href = '/second'")
    await visitor.page.wait_for_url("**/second")
    await visitor.page.wait_for_function("() => window.affitor?.loaded")
    assert (await visitor.cookies(), visitor.posts) == ({}, [])
    await visitor.page.evaluate("dataLayer.push({event: 'another_event'})")
    assert await visitor.cookies() == {}
    await visitor.page.evaluate("dataLayer.push({event: 'consent_granted'})")
    await visitor.click_id()
    assert len(await shop.events(codes[0])) == 1
    assert not visitor.faults
