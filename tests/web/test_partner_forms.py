"""Partners are created, edited, suspended and taken back on the dashboard."""

import re
from datetime import UTC, datetime
from typing import Any

from playwright.async_api import Page, expect
from sqlalchemy import insert, update

from db.schema.links import ReferralLink
from db.schema.partners import Partner, PartnerProgram
from db.schema.tokens import ApiToken
from tests.support.consoles import Console
from tests.support.gateways import body_of
from tests.support.web_pages import faults, loaded


async def act(page: Page, partner: str, action: str) -> None:
    await page.get_by_role("button", name=f"Actions for {partner}").click()
    await page.get_by_role("menuitem", name=action).click()


async def statuses(office: Console) -> dict[str, str]:
    return {row["code"]: row["status"] for row in await office.gateway.rows(ReferralLink)}


async def suspended(office: Console) -> set[int]:
    return {row["partner_id"] for row in await office.gateway.memberships() if row["suspended_at"] is not None}


def told(page: Page, words: str) -> Any:
    return expect(page.get_by_role("status").filter(has_text=words))


async def test_a_partner_is_created_as_a_member_of_the_program(office: Console) -> None:
    async with office.visit("/partners") as page:
        await loaded(page)
        await page.get_by_role("button", name="New partner").click()
        await page.get_by_role("button", name="Create partner").click()
        name, email = page.get_by_label("Name"), page.get_by_label("E-mail address")
        await expect(name).to_be_focused()
        await expect(name).to_have_accessible_description("A partner needs a name.")
        await name.fill("مدونة السفر")
        await email.fill("nonsense")
        await page.keyboard.press("Enter")
        await expect(email).to_be_focused()
        assert await faults(page) == []
        await email.fill("blog@example.com")
        await page.keyboard.press("Enter")
        await told(page, "مدونة السفر is a partner now.").to_be_visible()
        await expect(page.locator(".partners tbody tr").filter(has_text="مدونة")).to_have_count(1)
    made = (await office.gateway.rows(Partner))[-1]
    assert (made["name"], made["email"]) == ("مدونة السفر", "blog@example.com")
    assert {row["partner_id"] for row in await office.gateway.rows(PartnerProgram)} == {1, 2, made["id"]}


async def test_a_program_changes_an_address_that_it_cannot_read(office: Console) -> None:
    await office.gateway.partner({"id": office.merchant.program_id}, name="Third", email="old@example.com")
    async with office.visit("/partners") as page:
        await loaded(page)
        await act(page, "Third", "Edit")
        email = page.get_by_label("E-mail address")
        await expect(email).to_have_value("")
        await page.get_by_label("Name").fill("New name")
        await page.get_by_role("button", name="Save").click()
        await told(page, "New name is saved.").to_be_visible()
        await expect(page.get_by_role("button", name="Actions for New name")).to_be_focused()
    async with office.visit("/partners", "admin") as page:
        await loaded(page)
        await act(page, "New name", "Edit")
        await expect(email := page.get_by_label("E-mail address")).to_have_value("old@example.com")
        await email.fill("new@example.com")
        await page.get_by_role("button", name="Save").click()
        await told(page, "New name is saved.").to_be_visible()
    assert (await office.gateway.rows(Partner))[-1]["email"] == "new@example.com"


async def test_an_administrator_adds_a_partner_to_another_program(office: Console) -> None:
    await office.gateway.program(name="Another shop")
    async with office.visit("/partners", "admin") as page:
        await loaded(page)
        await act(page, "Second partner", "Add to a program")
        await page.get_by_role("button", name="Add", exact=True).click()
        await told(page, "Second partner is a partner in Another shop now.").to_be_visible()
        await expect(page.locator(".partners tbody tr").filter(has_text="Another shop")).to_have_count(1)


async def test_a_partner_is_suspended_and_taken_back_and_its_links_stay_as_they_are(office: Console) -> None:
    program = {"id": office.merchant.program_id}
    for number in range(25):
        await office.gateway.link(f"L{number}", program=program, partner={"id": 2})
    await office.gateway.link("PAUSED", program=program, partner={"id": 2}, status="inactive")
    before = await statuses(office)
    async with office.visit("/partners") as page:
        await loaded(page)
        await act(page, "Second partner", "Suspend")
        await expect(page.get_by_role("dialog")).to_contain_text("the partner\u2019s 25 active links are not recorded")
        assert await faults(page) == []
        await page.keyboard.press("Escape")
        assert await suspended(office) == set()
        await act(page, "Second partner", "Suspend")
        await page.get_by_role("button", name="Suspend").click()
        await told(page, "Second partner is suspended.").to_be_visible()
        await expect(page.locator(".partners .badge")).to_have_text("suspended")
        assert await faults(page) == []
        assert await suspended(office) == {2}
        assert body_of(await office.gateway.track("L0"))["success"] is False
        await page.get_by_role("button", name="Actions for Second partner").click()
        await expect(page.get_by_role("menuitem", name="Suspend")).to_be_hidden()
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Take back Second partner").click()
        await told(page, "Second partner is back.").to_be_visible()
        await expect(page.locator(".partners .badge")).to_be_hidden()
        assert await suspended(office) == set()
        await page.get_by_role("button", name="Undo").click()
        await expect(page.locator(".partners .badge")).to_be_visible()
        assert await suspended(office) == {2}
    assert await statuses(office) == before


async def test_the_links_of_a_suspended_partner_say_so(office: Console) -> None:
    await office.gateway.execute(update(PartnerProgram).values(suspended_at=datetime.now(UTC)))
    for path, role in (("/links", "program"), ("/links", "partner"), ("", "partner")):
        async with office.visit(path, role) as page:
            await loaded(page)
            await expect(page.locator(".badge").first).to_have_text("partner suspended")


async def test_suspending_can_end_access_and_be_undone_without_giving_it_back(office: Console) -> None:
    program = {"program_id": office.merchant.program_id}
    elsewhere = await office.gateway.program(name="Elsewhere")
    await office.gateway.execute(insert(PartnerProgram).values(program_id=elsewhere["id"], partner_id=1))
    await office.gateway.token("partner", partner_id=1, **program)
    await office.gateway.token("partner", partner_id=1, program_id=elsewhere["id"])
    async with office.visit("/partners", "admin") as page:
        await loaded(page)
        row = page.locator(".partners tbody tr").filter(has_text="A partner").filter(has_text="My shop")
        await row.get_by_role("button", name="Actions for A partner").click()
        await page.get_by_role("menuitem", name="Suspend").click()
        box = page.get_by_label("Sign the partner out, and revoke 2 tokens")
        await expect(box).to_have_accessible_description(re.compile("for the partner\u2019s other programs, too"))
        await box.check()
        await page.get_by_role("button", name="Suspend").click()
        await told(page, "A partner is suspended.").to_be_visible()
        await page.get_by_role("button", name="Undo").click()
        await told(page, "A partner is back.").to_be_visible()
        assert await suspended(office) == set()
    tokens = [row for row in await office.gateway.rows(ApiToken) if row["role"] == "partner"]
    assert [row["program_id"] for row in tokens if row["revoked_at"] is None] == [elsewhere["id"]]
    assert len(tokens) == 3
