"""The rules of the architecture: imports point right in `gateway → rest → graph → db`, and never form a circle."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("gateway", "rest", "graph", "db")
FILES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
# All of `graph` that `rest` may use: GraphQL itself has no place in REST.
REST_MAY_USE = (
    "graph.domain",
    "graph.exports",
    "graph.integrations",
    "graph.http.body",
    "graph.http.caller",
    "graph.http.content_negotiation",
    "graph.http.session_cookie",
    "graph.execution.turns",
)
# Statements, and scripts that are loaded when they are needed.
IMPORTED_SCRIPT = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+\.ts)\"""")

Imports = dict[str, set[str]]
"""The project's modules that each module imports."""


def module(path: Path) -> str:
    """Return the dotted name of a module or package."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def folder(name: str) -> str:
    """Return the package that contains a module; a package contains itself."""
    return name if name in PACKAGES else name.rpartition(".")[0]


def layer(name: str) -> int:
    return LAYERS.index(name.partition(".")[0])


MODULES = {module(path) for path in FILES}
PACKAGES = {module(path) for path in FILES if path.name == "__init__.py"}


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the project's modules that a module imports, including imports inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (submodule := f"{node.module}.{alias.name}") in MODULES:
                    yield submodule
                elif node.module in MODULES:
                    yield node.module


# The files are parsed once, and not while tests are collected, which every process of a run does.
@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in FILES}


@pytest.fixture(scope="module")
def imports(trees: dict[Path, ast.Module]) -> Imports:
    return {module(path): set(imported(tree)) for path, tree in trees.items()}


@pytest.mark.slow
def test_imports_point_right(imports: Imports) -> None:
    pairs = [(name, other) for name, others in imports.items() for other in others]
    assert len(pairs) > len(LAYERS)
    assert not [(name, other) for name, other in pairs if layer(other) < layer(name)]


def test_rest_uses_nothing_of_graphql(imports: Imports) -> None:
    uses = [(name, other) for name in imports if name.startswith("rest.") for other in imports[name]]
    graph = [(name, other) for name, other in uses if other.startswith("graph")]
    assert graph
    assert not [(name, other) for name, other in graph if not other.startswith(REST_MAY_USE)]


def circular(imports: Imports) -> list[str]:
    """Return the modules that import themselves through others."""

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        todo = list(imports[start])
        while todo:
            if (name := todo.pop()) not in seen:
                seen.add(name)
                todo += imports[name]
        return seen

    return sorted(name for name in imports if name in reachable(name))


def test_no_module_imports_itself_through_others(imports: Imports) -> None:
    assert not circular(imports)


@pytest.fixture(scope="module")
def scripts() -> Imports:
    """The scripts of the web pages that each of them imports, by path."""
    paths = {str(path): path for path in (ROOT / "gateway/web/src").rglob("*.ts")}
    imports = {
        name: {str((path.parent / other).resolve()) for other in IMPORTED_SCRIPT.findall(path.read_text())}
        for name, path in paths.items()
    }
    assert all(others <= paths.keys() for others in imports.values())
    assert sum(map(len, imports.values())) > len(paths)
    return imports


def test_no_script_imports_itself_through_others(scripts: Imports) -> None:
    assert not circular(scripts)


def test_no_two_folders_of_scripts_import_each_other(scripts: Imports) -> None:
    pairs = {(Path(name).parent, Path(other).parent) for name, others in scripts.items() for other in others}
    assert not [pair for pair in pairs if pair[0] != pair[1] and pair[::-1] in pairs]


def test_no_two_folders_import_each_other(imports: Imports) -> None:
    pairs = {(folder(name), folder(other)) for name, others in imports.items() for other in others}
    mutual = {frozenset(pair) for pair in pairs if pair[0] != pair[1] and pair[::-1] in pairs}
    assert not mutual


def test_a_package_contains_only_a_docstring(trees: dict[Path, ast.Module]) -> None:
    def holds_code(tree: ast.Module) -> bool:
        return not all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in tree.body)

    assert not [module(path) for path, tree in trees.items() if path.name == "__init__.py" and holds_code(tree)]


def test_every_module_has_a_docstring(trees: dict[Path, ast.Module]) -> None:
    documented = {path: tree for path, tree in trees.items() if "versions" not in path.parts}
    assert not [module(path) for path, tree in documented.items() if not ast.get_docstring(tree)]
