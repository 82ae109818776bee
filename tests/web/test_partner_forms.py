"""Partners are created, edited, suspended and taken back on the dashboard."""

from typing import Any

from playwright.async_api import Page, expect

from db.schema.links import ReferralLink
from db.schema.partners import Partner, PartnerProgram
from db.schema.tokens import ApiToken
from tests.support.consoles import Console
from tests.support.web_pages import faults, loaded


async def act(page: Page, partner: str, action: str) -> None:
    await page.get_by_role("button", name=f"Actions for {partner}").click()
    await page.get_by_role("menuitem", name=action).click()


async def statuses(office: Console) -> dict[str, str]:
    return {row["code"]: row["status"] for row in await office.gateway.rows(ReferralLink)}


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


async def test_a_partner_is_suspended_with_its_links_and_taken_back(office: Console) -> None:
    program = {"id": office.merchant.program_id}
    for number in range(25):
        await office.gateway.link(f"L{number}", program=program, partner={"id": 2})
    async with office.visit("/partners") as page:
        await loaded(page)
        await act(page, "Second partner", "Suspend")
        await expect(page.get_by_role("dialog")).to_contain_text("All 25 active links of the partner are paused")
        assert await faults(page) == []
        await page.keyboard.press("Escape")
        assert {*(await statuses(office)).values()} == {"active"}
        await act(page, "Second partner", "Suspend")
        await page.get_by_role("button", name="Suspend").click()
        await told(page, "Second partner is suspended: 25 links paused.").to_be_visible()
        await expect(page.locator(".partners .badge")).to_have_text("suspended")
        assert {code for code, status in (await statuses(office)).items() if status == "active"} == {"PARTNER123"}
        await act(page, "Second partner", "Take back")
        await expect(page.get_by_role("dialog")).to_contain_text("Clicks through 25 paused links are recorded again")
        await page.get_by_role("button", name="Take back").click()
        await told(page, "Second partner is back: 25 links active.").to_be_visible()
        await expect(page.locator(".partners .badge")).to_be_hidden()
        assert {*(await statuses(office)).values()} == {"active"}


async def test_suspending_can_end_access_and_be_undone_for_links(office: Console) -> None:
    bounds = {"program_id": office.merchant.program_id, "partner_id": 1}
    await office.gateway.token("partner", **bounds)
    async with office.visit("/partners", "admin") as page:
        await loaded(page)
        await act(page, "A partner", "Suspend")
        await page.get_by_label("Sign the partner out, and revoke 2 tokens").check()
        await page.get_by_role("button", name="Suspend").click()
        await told(page, "A partner is suspended: 1 link paused.").to_be_visible()
        revoked = [row["revoked_at"] for row in await office.gateway.rows(ApiToken) if row["role"] == "partner"]
        assert len(revoked) == 2
        assert all(revoked)
        await page.get_by_role("button", name="Undo").click()
        await told(page, "That was undone.").to_be_visible()
        assert await statuses(office) == {"PARTNER123": "active"}
