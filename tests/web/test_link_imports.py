"""Links are imported from a file on the dashboard: all or none, after what is wrong was said line by line."""

import csv
from pathlib import Path
from time import monotonic
from typing import Any

from playwright.async_api import Page, expect

from db.schema.links import ReferralLink
from tests.support.consoles import Console
from tests.support.web_pages import faults, loaded, width

MANY = 10_000
# Ten thousand links are checked and created in about two seconds on an idle machine.
SECONDS = 30
PHONE: dict[str, Any] = {"viewport": {"width": 320, "height": 700}, "color_scheme": "dark"}


async def codes(office: Console) -> set[str]:
    return {row["code"] for row in await office.gateway.rows(ReferralLink)}


async def choose(page: Page, folder: Path, *lines: str) -> None:
    file = folder / "links.csv"
    file.write_text("".join(f"{line}\n" for line in lines))
    async with page.expect_file_chooser() as choosing:
        await page.get_by_label("CSV file").click()
    await (await choosing.value).set_files(file)


async def test_a_file_is_looked_at_before_it_is_imported(office: Console, tmp_path: Path) -> None:
    async with office.visit("/links") as page:
        await loaded(page)
        await page.get_by_role("button", name="Import", exact=True).click()
        await expect(page.get_by_role("heading", level=1, name="Import links")).to_be_focused()
        assert await faults(page) == []
        await choose(page, tmp_path, "partner_id,code", "1,SPRING", "2,", "1,SUMMER")
        await expect(page.get_by_text("The file is fine: 3 links would be created.")).to_be_visible()
        assert await codes(office) == {"PARTNER123"}
        await page.get_by_role("button", name="Import 3 links").click()
        await expect(page.get_by_text("3 links created. Clicks through them are recorded")).to_be_focused()
        assert {"SPRING", "SUMMER"} < await codes(office)
        await page.get_by_role("link", name="Back to the links").click()
        await expect(page.locator(".links tbody tr")).to_have_count(4)


async def test_nothing_is_imported_while_a_line_is_wrong(office: Console, tmp_path: Path) -> None:
    async with office.visit("/import", **PHONE) as page:
        await loaded(page)
        await choose(page, tmp_path, "partner_id,code", "1,GOOD", "99,LOST", "1,PARTNER123")
        await expect(page.get_by_text("2 of 3 lines have problems. Nothing is imported")).to_be_visible()
        rows = page.locator(".problems tbody tr")
        await expect(rows).to_contain_text(["Line 3", "Line 4"])
        await expect(rows).to_contain_text(["partner_id must be a partner in this program", "Code is already taken"])
        await expect(rows.first).to_contain_text("99,LOST")
        assert await faults(page) == []
        assert await width(page) == 320
        await expect(page.get_by_role("button", name="Import")).to_be_hidden()
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="CSV of the problems").click()
        with Path(await (await saving.value).path()).open(encoding="utf-8-sig") as file:
            assert [row["text"] for row in csv.DictReader(file)] == ["99,LOST", "1,PARTNER123"]
        await choose(page, tmp_path, "partner,code", "1,GOOD")
        await expect(page.get_by_text("This file cannot be imported: ")).to_be_visible()
        await expect(rows).to_have_count(0)
        await choose(page, tmp_path, "partner_id,code", "1,GOOD")
        await expect(page.get_by_role("button", name="Import 1 link")).to_be_visible()
    assert await codes(office) == {"PARTNER123"}


async def test_a_line_that_became_wrong_meanwhile_is_told(office: Console, tmp_path: Path) -> None:
    async with office.visit("/import") as page:
        await loaded(page)
        await choose(page, tmp_path, "partner_id,code", "1,SPRING")
        await expect(page.get_by_role("button", name="Import 1 link")).to_be_visible()
        await office.gateway.link("SPRING", program={"id": office.merchant.program_id}, partner={"id": 1})
        await page.get_by_role("button", name="Import 1 link").click()
        await expect(page.locator(".problems tbody tr")).to_contain_text("Code is already taken")


async def test_ten_thousand_links_are_imported_in_seconds(office: Console, tmp_path: Path) -> None:
    async with office.visit("/import") as page:
        await loaded(page)
        start = monotonic()
        await choose(page, tmp_path, "partner_id,code", *(f"{number % 2 + 1},L-{number}" for number in range(MANY)))
        await page.get_by_role("button", name="Import 10,000 links").click()
        await expect(page.get_by_text("10,000 links created.", exact=True)).to_be_visible()
        assert monotonic() - start < SECONDS
        await choose(page, tmp_path, "partner_id,code", *(f"1,L-{number}" for number in range(MANY)))
        await expect(page.get_by_text("10,000 of 10,000 lines have problems.")).to_be_visible()
        await expect(page.locator(".problems tbody tr")).to_have_count(100)
    assert len(await codes(office)) == MANY + 1


async def test_an_administrator_names_the_program_of_lines_that_name_none(office: Console, tmp_path: Path) -> None:
    other = await office.gateway.program(name="Another shop")
    partner = await office.gateway.partner(other, name="Third partner")
    async with office.visit("/import", "admin") as page:
        await loaded(page)
        await page.get_by_label("Program of lines that name none").select_option("Another shop")
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="CSV of partners").click()
        with Path(await (await saving.value).path()).open(encoding="utf-8-sig") as file:
            assert [row["database_id"] for row in csv.DictReader(file)] == [str(partner["id"])]
        await choose(page, tmp_path, "partner_id,code", f"{partner['id']},THEIRS")
        await page.get_by_role("button", name="Import 1 link").click()
        await expect(page.get_by_text("1 link created.", exact=True)).to_be_visible()
    made = (await office.gateway.rows(ReferralLink))[-1]
    assert (made["code"], made["program_id"]) == ("THEIRS", other["id"])


async def test_partners_import_nothing(office: Console) -> None:
    async with office.visit("/import", "partner") as page:
        await loaded(page)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
