"""Every link in the documents leads somewhere, and so does every path that they name."""

import re
from pathlib import Path

import pytest

from tests.support.documents import BLOCK, DOCS, DOCUMENTS, ROOT, prose, quoted

LINK = re.compile(r"\]\(([^()\s]+)\)")
# Files and folders of the repository, as they are named in backticks.
NAMED = re.compile(r"(?:gateway|rest|graph|db|tests|docs|examples)/[\w./-]*")


def anchors(document: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(prose(document)):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), target
        assert file.is_relative_to(ROOT), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_that_are_named_exist(document: Path) -> None:
    named = {text for text in quoted(document) if NAMED.fullmatch(text)}
    assert not {text for text in named if not (ROOT / text).exists()}


def test_the_index_links_to_every_page() -> None:
    linked = set(LINK.findall((DOCS / "README.md").read_text()))
    assert {page.name for page in DOCS.glob("*.md")} - {"README.md"} <= linked


def test_the_decisions_are_numbered_and_listed() -> None:
    listed = LINK.findall((DOCS / "decisions" / "README.md").read_text())
    assert listed == sorted(page.name for page in (DOCS / "decisions").glob("0*.md"))
    for number, name in enumerate(listed, 1):
        heading, *_ = (DOCS / "decisions" / name).read_text().splitlines()
        assert name.startswith(f"{number:04}-")
        assert heading.startswith(f"# {number}. ")


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 150
