"""The Markdown documents, taken apart: their blocks of code, their tables' first cells, their links and headings."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FOLDERS = (ROOT, ROOT / ".github", DOCS, DOCS / "decisions", ROOT / "tests" / "benchmarks")
EXAMPLES = ROOT / "examples"
DOCUMENTS = sorted({*(file for folder in FOLDERS for file in folder.glob("*.md")), *EXAMPLES.rglob("*.md")})
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
STARTERS = "## Queries to start from"


class Block(NamedTuple):
    """A block of code on a page."""

    document: Path
    language: str
    text: str


def blocks(document: Path) -> Iterator[Block]:
    """Yield a page's blocks of code, in order."""
    for _, language, text in BLOCK.findall(document.read_text()):
        yield Block(document, language, text)


def blocks_in(language: str) -> Sequence[Block]:
    """Return all blocks in a language, of all documents."""
    return [block for document in DOCUMENTS for block in blocks(document) if block.language == language]


def prose(document: Path) -> str:
    """Return a page without its blocks of code."""
    return BLOCK.sub("", document.read_text())


def quoted(document: Path) -> set[str]:
    """Return what stands in backticks on a page, outside of blocks of code."""
    return set(re.findall(r"`([^`\n]+)`", prose(document)))


def first_cells(document: Path) -> set[str]:
    """Return what stands in backticks in the first cells of a page's tables."""
    rows = re.findall(r"^\| (.*?) \|", prose(document), re.MULTILINE)
    return {text for row in rows for text in re.findall(r"`([^`]+)`", row)}


def queries_to_start_from() -> Sequence[str]:
    """Return the queries that the page on GraphQL starts with, and GraphiQL has as tabs."""
    chapter = (DOCS / "graphql.md").read_text().partition(STARTERS)[2].partition("\n## ")[0]
    return [text for _, _, text in BLOCK.findall(chapter)]
