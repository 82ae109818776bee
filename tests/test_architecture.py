"""The rules of the architecture: imports point right in `gateway → rest → graph → db`, and never form a circle."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("gateway", "rest", "graph", "db")
FILES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
# All of `graph` that `rest` may use: GraphQL itself has no place in REST.
REST_MAY_USE = ("graph.domain", "graph.integrations", "graph.http.body", "graph.http.caller", "graph.execution.turns")


def module(path: Path) -> str:
    """Return the dotted name of a module or package."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def folder(name: str) -> str:
    """Return the package that contains a module; a package contains itself."""
    return name if name in PACKAGES else name.rpartition(".")[0]


MODULES = {module(path) for path in FILES}


def imports(path: Path) -> Iterator[str]:
    """Yield the project's modules that a file imports, including imports inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (submodule := f"{node.module}.{alias.name}") in MODULES:
                    yield submodule
                elif node.module in MODULES:
                    yield node.module


PACKAGES = {module(path) for path in FILES if path.name == "__init__.py"}
# Pairs of folders that still import each other. This list may only get shorter.
MUTUAL_IMPORTS = {
    frozenset(("gateway", "gateway.lookups")),
    frozenset(("gateway", "gateway.server")),
}
IMPORTS = {module(path): set(imports(path)) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=module)
def test_imports_point_right(path: Path) -> None:
    layer = LAYERS.index(module(path).partition(".")[0])
    assert not {name for name in imports(path) if LAYERS.index(name.partition(".")[0]) < layer}


@pytest.mark.parametrize("path", sorted((ROOT / "rest").glob("*.py")), ids=module)
def test_rest_uses_nothing_of_graphql(path: Path) -> None:
    graph = {name for name in imports(path) if name.startswith("graph")}
    assert all(name.startswith(REST_MAY_USE) for name in graph)


def test_no_module_imports_itself_through_others() -> None:
    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        todo = list(IMPORTS[start])
        while todo:
            if (name := todo.pop()) not in seen:
                seen.add(name)
                todo += IMPORTS[name]
        return seen

    assert not [name for name in MODULES if name in reachable(name)]


def test_no_two_folders_import_each_other() -> None:
    pairs = {(folder(name), folder(other)) for name, others in IMPORTS.items() for other in others}
    mutual = {frozenset(pair) for pair in pairs if pair[0] != pair[1] and pair[::-1] in pairs}
    assert mutual <= MUTUAL_IMPORTS


@pytest.mark.parametrize("path", [path for path in FILES if path.name == "__init__.py"], ids=module)
def test_a_package_contains_only_a_docstring(path: Path) -> None:
    body = ast.parse(path.read_text()).body
    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


@pytest.mark.parametrize("path", [path for path in FILES if "versions" not in path.parts], ids=module)
def test_every_module_has_a_docstring(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))
