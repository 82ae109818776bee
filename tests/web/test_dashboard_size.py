"""The size of the dashboard as browsers load it."""

import pytest

from gateway.pages import DIST
from tests.support.web_pages import need_pages

MOST_BYTES = {"js": 66_000, "css": 5_000}


@pytest.mark.parametrize("kind", MOST_BYTES)
def test_the_dashboard_stays_small(kind: str) -> None:
    need_pages()
    (compressed,) = (DIST / "assets").glob(f"dashboard-*.{kind}.gz")
    assert compressed.stat().st_size < MOST_BYTES[kind]
