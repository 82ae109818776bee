"""The size of the dashboard as browsers load it: what comes first, and then a section."""

import re

import pytest

from gateway.pages import DIST
from tests.support.web_pages import need_pages

# Of what every section needs, and of a section with all that it is made of.
MOST_BYTES = {"js": 36_000, "css": 7_500}
MOST_SECTION_BYTES = 36_000


@pytest.mark.parametrize("kind", MOST_BYTES)
def test_what_is_loaded_first_stays_small(kind: str) -> None:
    need_pages()
    loaded = re.findall(rf'(?:href|src)="assets/([^"]+\.{kind})"', (DIST / "dashboard.html").read_text())
    assert 0 < sum(map(size, loaded)) < MOST_BYTES[kind]


def test_each_section_stays_small() -> None:
    need_pages()
    (entry,) = (DIST / "assets").glob("dashboard-*.js")
    sections = re.findall(r'import\("\./([^"]+)"\)', entry.read_text())
    assert len(sections) == 11
    assert max(sum(map(size, imported(name))) for name in sections) < MOST_SECTION_BYTES


def imported(name: str) -> set[str]:
    """Return a script and what it imports, without what every section needs."""
    first = (DIST / "dashboard.html").read_text()
    found, waiting = set[str](), [name]
    while waiting:
        script = waiting.pop()
        found.add(script)
        text = (DIST / "assets" / script).read_text()
        names = re.findall(r'(?:from|import)"\./([^"]+)"', text)
        waiting += [each for each in names if each not in found and each not in first]
    return found


def size(name: str) -> int:
    """Return the size of an asset as browsers receive it."""
    file, compressed = DIST / "assets" / name, DIST / "assets" / f"{name}.gz"
    return (compressed if compressed.is_file() else file).stat().st_size
