"""The README and the packages of the examples."""

import json
import re

from tests.support.example_files import EXAMPLES


def test_the_table_of_contents_lists_every_example() -> None:
    links = re.findall(r"^\| \[(.+?)\]\((.+?)/\) \|", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    assert all(name == folder for name, folder in links)
    assert {name for name, _ in links} == {path.name for path in EXAMPLES.iterdir() if path.is_dir()}


def test_packages_declare_version_ranges() -> None:
    package = json.loads((EXAMPLES / "nextjs" / "package.json").read_text())
    assert all(re.fullmatch(r"\^\d+\.\d+\.\d+", version) for version in package["dependencies"].values())
