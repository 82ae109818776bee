"""The dashboard's list of dimensions, which is written apart from the schema's."""

import re
from pathlib import Path

import gateway
from graph.reports.dimensions import Dimension

SOURCE = Path(gateway.__file__).parent / "web" / "src" / "dashboard"
DIMENSIONS = {dimension.name for dimension in Dimension}


def test_every_dimension_has_a_name() -> None:
    assert set(re.findall(r"^  (\w+): \{ name:", (SOURCE / "view/dimensions.ts").read_text(), re.M)) == DIMENSIONS


def test_a_card_shows_every_dimension() -> None:
    listed = re.findall(r"tabs: \[(.+?)\]", (SOURCE / "view/cards.ts").read_text())
    shown = re.findall(r"\w+", " ".join(listed))
    assert sorted(shown) == sorted(DIMENSIONS)
