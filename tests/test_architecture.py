"""The house's one line: gateway → rest → graph → db; imports only point right, and no two files import each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STOREYS = ("gateway", "rest", "graph", "db")
FILES = sorted(path for storey in STOREYS for path in (ROOT / storey).rglob("*.py"))
LOWER_GRAPH = ("graph.domain", "graph.http.body", "graph.http.caller", "graph.execution.turns")


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(path) for path in FILES}


def imports(path: Path) -> Iterator[str]:
    """Yield the project's modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (submodule := f"{node.module}.{alias.name}") in MODULES:
                    yield submodule
                elif node.module in MODULES:
                    yield node.module


ARROWS = {module(path): set(imports(path)) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=module)
def test_imports_point_right(path: Path) -> None:
    here = STOREYS.index(module(path).partition(".")[0])
    left = {name for name in imports(path) if STOREYS.index(name.partition(".")[0]) < here}
    assert not left


@pytest.mark.parametrize("path", sorted((ROOT / "rest").glob("*.py")), ids=module)
def test_the_rest_face_uses_the_lower_storey_of_graph_only(path: Path) -> None:
    graph = {name for name in imports(path) if name.startswith("graph")}
    assert all(name.startswith(LOWER_GRAPH) for name in graph)


def test_no_file_imports_itself_through_others() -> None:
    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        todo = list(ARROWS[start])
        while todo:
            if (name := todo.pop()) not in seen:
                seen.add(name)
                todo += ARROWS[name]
        return seen

    assert not [name for name in MODULES if name in reachable(name)]


@pytest.mark.parametrize("path", [path for path in FILES if path.name == "__init__.py"], ids=module)
def test_packages_hold_a_docstring_only(path: Path) -> None:
    body = ast.parse(path.read_text()).body
    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


@pytest.mark.parametrize("path", [path for path in FILES if "versions" not in path.parts], ids=module)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_no_two_folders_of_graph_import_each_other() -> None:
    arrows = {
        (here.split(".")[1], there.split(".")[1])
        for here, imported in ARROWS.items()
        for there in imported
        if here.startswith("graph.") and there.startswith("graph.")
    }
    assert not [(here, there) for here, there in arrows if here != there and (there, here) in arrows]
