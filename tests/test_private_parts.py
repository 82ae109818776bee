"""Checks that the undocumented and private parts of libraries that clickgate uses are unchanged since they were last
reviewed, and that each of these libraries has an upper bound in `pyproject.toml`.

If one of these tests fails after an update, read how the part changed, adapt the module that uses it, run all tests,
and only then update the entry in `tests/support/private_parts.py` and raise the bound.
"""

import ast
import inspect
import re
import sys
import tomllib
from importlib import import_module
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.support.private_parts import ATTRIBUTES, LIBRARIES, PARTS, Part

ROOT = Path(__file__).parent.parent
STOREYS = ("gateway", "rest", "graph", "db")


def found(name: str) -> Any:
    """Resolve a `module:name`."""
    module, _, path = name.partition(":")
    value = import_module(module)
    for part in path.split("."):
        value = getattr(value, part)
    return value


def requirements() -> dict[str, SpecifierSet]:
    """Return the version bounds of each library that the product requires."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return {each.name: each.specifier for each in map(Requirement, declared)}


def changed(library: str, name: str, used_in: str, what: str) -> str:
    return f"{library} {version(library)}: {name} {what}. {used_in} relies on it; see the top of this file."


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_private_part_is_unchanged(part: Part) -> None:
    try:
        value = found(part.name)
    except (ImportError, AttributeError):
        pytest.fail(changed(part.package, part.name, part.used_in, "is gone"))
    if part.takes is not None:
        takes = ", ".join(inspect.signature(value).parameters)
        if takes != part.takes:
            pytest.fail(changed(part.package, part.name, part.used_in, f"takes ({takes}) instead of ({part.takes})"))


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_objects_private_attributes_still_exist(name: str) -> None:
    library, attributes = ATTRIBUTES[name]
    kind = found(name)
    sources = "".join(inspect.getsource(each) for each in kind.__mro__ if each.__module__ != "builtins")
    declared = set(dir(kind)) | set(getattr(kind, "__annotations__", {})) | set(re.findall(r"self\.(\w+)\b", sources))
    if missing := set(attributes.split()) - declared:
        pytest.fail(changed(library, name, "clickgate", f"has no more {', '.join(sorted(missing))}"))


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_whose_private_parts_are_used_has_an_upper_bound(library: str) -> None:
    bounds = requirements().get(library)
    assert bounds is not None, f"{library} is not declared"
    assert any(bound.operator == "<" for bound in bounds), f"{library} has no upper bound"
    assert version(library) in bounds, f"{library} {version(library)} is not within its bounds"


@pytest.mark.slow
def test_every_imported_library_is_declared() -> None:
    known = packages_distributions()
    distributions = {module: known.get(module, [module]) for module in imported()}
    names = {canonicalize_name(requirement) for requirement in requirements()}
    undeclared = {
        f"{module} ({', '.join(distributions[module])})"
        for module in distributions
        if not names.intersection(map(canonicalize_name, distributions[module]))
    }
    assert not undeclared


def imported() -> set[str]:
    """Return the top-level names of the third-party modules that the product imports."""
    trees = (ast.parse(file.read_text()) for folder in STOREYS for file in (ROOT / folder).rglob("*.py"))
    nodes = [node for tree in trees for node in ast.walk(tree)]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {module.partition(".")[0] for module in modules} - {*sys.stdlib_module_names, *STOREYS}
