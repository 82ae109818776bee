"""Links are created, edited, paused and shown as QR codes on the dashboard."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, Request, expect

from db.schema.links import ReferralLink
from tests.support.consoles import Console
from tests.support.web_pages import faults, loaded, width

LOOKS = [({"width": 320, "height": 640}, "dark"), ({"width": 1440, "height": 900}, "light")]


async def links(office: Console) -> dict[str, dict[str, Any]]:
    return {row["code"]: row for row in await office.gateway.rows(ReferralLink)}


async def act(page: Page, code: str, action: str) -> None:
    await page.get_by_role("button", name=f"Actions for {code}").click()
    await page.get_by_role("menuitem", name=action).click()


async def test_a_link_is_built_with_its_finished_url_in_sight(office: Console) -> None:
    async with office.visit("/links") as page:
        await loaded(page)
        await page.get_by_role("button", name="New link").click()
        form = page.get_by_role("dialog", name="New link")
        await expect(form.get_by_label("Partner", exact=True)).to_be_focused()
        await form.get_by_label("Partner", exact=True).select_option("Second partner")
        await expect(form).to_contain_text("https://yoursite.com/?aff=…")
        await form.get_by_label("Code").fill("SPRING")
        await form.get_by_text("Campaign and sub-ids").click()
        await form.get_by_label("Campaign", exact=True).fill("may sale")
        await form.get_by_label("Sub-id 1").fill("banner")
        finished = "https://yoursite.com/?utm_campaign=may+sale&sub1=banner&aff=SPRING"
        await expect(form).to_contain_text(finished)
        await form.get_by_role("button", name="Create link").click()
        await expect(page.get_by_role("dialog", name="SPRING")).to_contain_text(finished)
        await expect(page.get_by_role("img", name="QR code of SPRING")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="New link")).to_be_focused()
        await expect(page.get_by_role("status").filter(has_text="Link SPRING is created.")).to_be_visible()
        await expect(page.locator(".links tbody tr").filter(has_text="SPRING")).to_contain_text("Second partner")
    made = (await links(office))["SPRING"]
    assert made["destination_url"] == "https://yoursite.com/?utm_campaign=may+sale&sub1=banner"
    assert made["partner_id"] == 2


async def test_a_code_is_made_up_if_none_is_typed(office: Console) -> None:
    async with office.visit("/links", "admin") as page:
        await loaded(page)
        await page.get_by_role("button", name="New link").click()
        await page.get_by_label("Partner", exact=True).select_option("A partner")
        await page.get_by_label("Destination").fill("yoursite.com/pricing?a=1#prices")
        await page.get_by_role("button", name="Create link").click()
        await expect(page.get_by_text("The link is ready")).to_be_visible()
        (code,) = (await links(office)).keys() - {"PARTNER123"}
        await expect(page.get_by_text(f"https://yoursite.com/pricing?a=1&aff={code}#prices").last).to_be_visible()


async def test_what_is_wrong_is_said_beside_the_field(office: Console) -> None:
    async with office.visit("/links") as page:
        await loaded(page)
        await page.get_by_role("button", name="New link").click()
        await page.get_by_role("button", name="Create link").click()
        partner = page.get_by_label("Partner", exact=True)
        await expect(partner).to_be_focused()
        await expect(partner).to_have_accessible_description("Choose the partner who publishes the link.")
        await partner.select_option("A partner")
        await page.get_by_label("Code").fill("PARTNER123")
        await page.get_by_role("button", name="Create link").click()
        code = page.get_by_label("Code")
        await expect(code).to_be_focused()
        await expect(code).to_have_accessible_description(re.compile("Code is already taken"))
        await expect(partner).not_to_have_attribute("aria-invalid", "true")
        await expect(page.get_by_role("alert").filter(has_text="Code: Code is already taken.")).to_be_attached()
        await code.fill("X Y")
        await page.keyboard.press("Enter")
        await expect(code).to_have_accessible_description(re.compile("^Must "))
        await code.fill("NEW")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("The link is ready")).to_be_visible()


async def test_a_form_asks_before_it_discards_what_was_typed(office: Console) -> None:
    async with office.visit("/links") as page:
        await loaded(page)
        await page.get_by_role("button", name="New link").click()
        form = page.get_by_role("dialog", name="New link")
        await expect(form).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(form).to_be_hidden()
        await expect(page.get_by_role("button", name="New link")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.get_by_label("Code").fill("HALF")
        for _ in range(2):
            await page.keyboard.press("Escape")
            await expect(page.get_by_role("button", name="Keep editing")).to_be_focused()
            await page.keyboard.press("Escape")
            await expect(page.get_by_label("Code")).to_have_value("HALF")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Discard").click()
        await expect(form).to_be_hidden()
        await expect(page.get_by_role("button", name="New link")).to_be_focused()
    assert (await links(office)).keys() == {"PARTNER123"}


async def test_a_form_is_sent_once(office: Console) -> None:
    sent: list[Request] = []
    async with office.visit("/links") as page:
        await loaded(page)
        page.on("request", lambda request: sent.append(request) if "mutation" in (request.post_data or "") else None)
        await page.get_by_role("button", name="New link").click()
        await page.get_by_label("Partner", exact=True).select_option("A partner")
        await page.get_by_role("button", name="Create link").dblclick()
        await expect(page.get_by_text("The link is ready")).to_be_visible()
    assert len(sent) == 1
    assert len(await links(office)) == 2


async def test_a_link_is_edited_with_its_campaign_apart_from_its_page(office: Console) -> None:
    await office.gateway.link(
        "OLD",
        program={"id": office.merchant.program_id},
        partner={"id": 2},
        destination_url="https://yoursite.com/a?utm_source=blog&x=1",
    )
    async with office.visit("/links") as page:
        await loaded(page)
        await act(page, "OLD", "Edit")
        await expect(page.get_by_label("Destination")).to_have_value("https://yoursite.com/a?x=1")
        await page.get_by_label("Source").fill("")
        await page.get_by_label("Medium").fill("mail")
        await page.get_by_label("Code").fill("NEW")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status").filter(has_text="Link NEW is saved.")).to_be_visible()
        await expect(page.get_by_role("button", name="Actions for NEW")).to_be_focused()
    assert (await links(office))["NEW"]["destination_url"] == "https://yoursite.com/a?x=1&utm_medium=mail"


async def test_pausing_a_link_can_be_undone(office: Console) -> None:
    async with office.visit("/links") as page:
        await loaded(page)
        await act(page, "PARTNER123", "Pause")
        await expect(page.locator(".links .badge")).to_have_text("paused")
        assert (await links(office))["PARTNER123"]["status"] == "inactive"
        await page.get_by_role("button", name="Undo").click()
        await expect(page.locator(".links .badge")).to_be_hidden()
        assert (await links(office))["PARTNER123"]["status"] == "active"


async def test_menus_are_used_by_keyboard(office: Console) -> None:
    async with office.visit("/links") as page:
        await loaded(page)
        button = page.get_by_role("button", name="Actions for PARTNER123")
        await button.focus()
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_role("menuitem", name="URL and QR code")).to_be_focused()
        await page.keyboard.press("ArrowUp")
        await expect(page.get_by_role("menuitem", name="Pause")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(button).to_be_focused()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("img", name="QR code of PARTNER123")).to_be_visible()


async def test_partners_see_their_qr_codes_and_change_nothing(office: Console) -> None:
    for path in ("", "/links"):
        async with office.visit(path, "partner") as page:
            await loaded(page)
            async with page.expect_download() as saving:
                await page.get_by_role("button", name="QR code of PARTNER123").click()
                await page.get_by_role("button", name="Download the QR code").click()
            download = await saving.value
            assert download.suggested_filename == "PARTNER123.svg"
            assert "<svg" in (await download.path()).read_text()
            await page.get_by_role("button", name="Close").click()
            for name in ("New link", "Actions for"):
                await expect(page.get_by_role("button", name=name)).to_be_hidden()


async def test_an_outage_is_said_in_the_form_which_keeps_what_was_typed(office: Console) -> None:
    async with office.visit("/links") as page:
        await loaded(page)
        await page.get_by_role("button", name="New link").click()
        await page.get_by_label("Partner", exact=True).select_option("A partner")
        await page.get_by_label("Code").fill("LATER")
        await page.route("**/graphql", lambda route: route.abort())
        await page.get_by_role("button", name="Create link").click()
        await expect(page.get_by_role("alert").filter(has_text="The gateway did not answer.")).to_be_focused()
        await page.unroute_all()
        await page.get_by_role("button", name="Create link").click()
        await expect(page.get_by_role("dialog", name="LATER")).to_be_visible()


@pytest.mark.parametrize(("screen", "colours"), LOOKS, ids=["narrow", "wide"])
async def test_forms_have_no_accessibility_violations(office: Console, screen: Any, colours: Any) -> None:
    async with office.visit("/links", viewport=screen, color_scheme=colours, reduced_motion="reduce") as page:
        await loaded(page)
        await page.get_by_role("button", name="Actions for").click()
        assert await faults(page) == []
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="New link").click()
        await page.get_by_text("Campaign and sub-ids").click()
        await page.get_by_role("button", name="Create link").click()
        await expect(page.locator("[aria-invalid]")).to_have_count(1)
        assert await faults(page) == []
        assert await width(page) == screen["width"]
        await page.get_by_label("Partner", exact=True).select_option("A partner")
        await page.get_by_role("button", name="Create link").click()
        await expect(page.get_by_role("img", name="QR code of")).to_be_visible()
        assert await faults(page) == []
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("status").filter(has_text="is created")).to_be_visible()
        assert await faults(page) == []
        assert await width(page) == screen["width"]


async def test_a_partner_among_many_is_found_by_name(office: Console) -> None:
    program = {"id": office.merchant.program_id}
    for number in range(100):
        await office.gateway.partner(program, name=f"Partner {number:03}")
    async with office.visit("/links") as page:
        await loaded(page)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.post_data or ""))
        await page.get_by_role("button", name="New link").click()
        await page.get_by_label("Find a partner by name").press_sequentially("second", delay=10)
        await expect(page.get_by_label("Partner", exact=True).locator("option:checked")).to_have_text("Second partner")
        found = [json.loads(text)["variables"]["filter"]["search"] for text in asked if "PartnersOf" in text]
        assert found == [None, "second"]
