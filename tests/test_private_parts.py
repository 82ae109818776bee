"""Checks that the undocumented and private parts of libraries that clickgate uses are unchanged since they were last
reviewed, and that each of these libraries has an upper bound in `pyproject.toml`.

If one of these tests fails after an update, read how the part changed, adapt the module that uses it, run all tests,
and only then update the entry here and raise the bound.
"""

import ast
import inspect
import re
import sys
import tomllib
from importlib import import_module
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
STOREYS = ("gateway", "rest", "graph", "db")


class Part(NamedTuple):
    """A part of a library, as `module:name`, with the signature that clickgate relies on."""

    package: str
    name: str
    used_in: str
    takes: str | None = None


HTTP = "uvicorn.protocols.http.httptools_impl"
SOCKET = "uvicorn.protocols.websockets.websockets_sansio_impl:WebSocketsSansIOProtocol"
HANDLER = "strawberry.subscriptions.protocols.graphql_transport_ws.handlers:BaseGraphQLTransportWSHandler"
PARTS = [
    Part("uvicorn", "uvicorn._types:ASGISendEvent", "gateway/server/request_cycle.py"),
    Part("uvicorn", "uvicorn._types:HTTPResponseBodyEvent", "gateway/server/request_cycle.py"),
    Part("uvicorn", "uvicorn._types:HTTPResponseStartEvent", "gateway/server/request_cycle.py"),
    Part("uvicorn", f"{HTTP}:STATUS_LINE", "gateway/server/request_cycle.py"),
    Part("uvicorn", f"{HTTP}:HEADER_RE", "gateway/server/request_cycle.py"),
    Part("uvicorn", f"{HTTP}:HEADER_VALUE_RE", "gateway/server/request_cycle.py"),
    Part(
        "uvicorn",
        f"{HTTP}:RequestResponseCycle.__init__",
        "gateway/server/protocol.py",
        "self, scope, transport, flow, logger, access_logger, access_log, default_headers, message_event, "
        "expect_100_continue, keep_alive, on_response",
    ),
    Part("uvicorn", f"{HTTP}:RequestResponseCycle.send", "gateway/server/request_cycle.py", "self, message"),
    Part("uvicorn", f"{HTTP}:HttpToolsProtocol.connection_made", "gateway/server/protocol.py", "self, transport"),
    Part("uvicorn", f"{HTTP}:HttpToolsProtocol.connection_lost", "gateway/server/protocol.py", "self, exc"),
    Part("uvicorn", f"{HTTP}:HttpToolsProtocol.data_received", "gateway/server/protocol.py", "self, data"),
    Part("uvicorn", f"{HTTP}:HttpToolsProtocol.send_400_response", "gateway/server/protocol.py", "self, msg"),
    Part("uvicorn", f"{HTTP}:HttpToolsProtocol.handle_websocket_upgrade", "gateway/server/protocol.py", "self"),
    Part("uvicorn", f"{HTTP}:HttpToolsProtocol.on_headers_complete", "gateway/server/protocol.py", "self"),
    Part("uvicorn", f"{HTTP}:HttpToolsProtocol.on_message_complete", "gateway/server/protocol.py", "self"),
    Part("uvicorn", f"{HTTP}:HttpToolsProtocol.on_response_complete", "gateway/server/protocol.py", "self"),
    Part("uvicorn", f"{HTTP}:HttpToolsProtocol._should_upgrade", "gateway/server/protocol.py", "self"),
    Part("uvicorn", f"{HTTP}:HttpToolsProtocol._start_asgi_task", "gateway/server/protocol.py", "self, cycle, app"),
    Part("uvicorn", f"{HTTP}:HttpToolsProtocol._unset_keepalive_if_required", "gateway/server/protocol.py", "self"),
    Part("uvicorn", f"{SOCKET}.__init__", "gateway/server/protocol.py", "self, config, server_state, app_state, _loop"),
    Part("uvicorn", f"{SOCKET}.shutdown", "gateway/server/protocol.py", "self"),
    Part("uvicorn", f"{SOCKET}.keepalive_timeout", "gateway/server/protocol.py", "self"),
    Part(
        "strawberry-graphql",
        "strawberry.schema.schema:StrawberryGraphQLCoreExecutionContext.complete_value",
        "graph/execution/executor.py",
        "self, return_type, field_details_list, info, path, result, position_context",
    ),
    Part("strawberry-graphql", "strawberry.types:get_object_definition", "graph/execution/executor.py", "obj, strict"),
    Part(
        "strawberry-graphql",
        "strawberry:Schema.process_errors",
        "graph/execution/admission.py",
        "self, errors, execution_context",
    ),
    Part(
        "strawberry-graphql",
        "strawberry.schema.schema_converter:GraphQLCoreConverter.DEFINITION_BACKREF",
        "graph/execution/selections.py",
    ),
    Part("strawberry-graphql", "strawberry.types.field:StrawberryField.arguments", "graph/schema/fields.py"),
    Part("strawberry-graphql", "strawberry.types.arguments:StrawberryArgument", "graph/schema/fields.py"),
    Part("strawberry-graphql", "strawberry.annotation:StrawberryAnnotation", "graph/schema/fields.py"),
    Part("strawberry-graphql", "strawberry.types.scalar:ScalarDefinition", "graph/schema/scalars.py"),
    Part(
        "strawberry-graphql",
        "strawberry.schema.validation_rules.maybe_null:MaybeNullValidationRule",
        "graph/execution/documents.py",
    ),
    Part(
        "strawberry-graphql",
        "strawberry.schema.validation_rules.one_of:OneOfInputValidationRule",
        "graph/execution/documents.py",
    ),
    Part("strawberry-graphql", "strawberry.schema.exceptions:CannotGetOperationTypeError", "graph/http/view.py"),
    Part("strawberry-graphql", "strawberry.schema.exceptions:InvalidOperationTypeError", "graph/http/view.py"),
    Part("strawberry-graphql", "strawberry.asgi:GraphQL.websocket_adapter_class", "graph/http/view.py"),
    Part("strawberry-graphql", "strawberry.asgi:GraphQL.graphql_transport_ws_handler_class", "graph/http/view.py"),
    Part("strawberry-graphql", "strawberry.asgi:GraphQL.get_context", "graph/http/view.py", "self, request, response"),
    Part("strawberry-graphql", "strawberry.asgi:GraphQL.decode_json", "graph/http/view.py", "self, data"),
    Part("strawberry-graphql", "strawberry.asgi:GraphQL.encode_json", "graph/http/view.py", "self, data"),
    Part(
        "strawberry-graphql",
        "strawberry.asgi:ASGIWebSocketAdapter.send_json",
        "graph/http/websocket.py",
        "self, message",
    ),
    Part(
        "strawberry-graphql",
        "strawberry.asgi:ASGIWebSocketAdapter.close",
        "graph/http/websocket.py",
        "self, code, reason",
    ),
    Part("strawberry-graphql", "strawberry.http.exceptions:WebSocketDisconnected", "graph/http/websocket.py"),
    Part("strawberry-graphql", "strawberry.http.websocket_origin:normalize_origin", "graph/http/view.py", "origin"),
    Part("strawberry-graphql", f"{HANDLER}.handle_message", "graph/http/websocket.py", "self, message"),
    Part("strawberry-graphql", f"{HANDLER}.send_message", "graph/http/websocket.py", "self, message"),
    Part("strawberry-graphql", f"{HANDLER}.handle_task_exception", "graph/http/websocket.py", "self, error"),
    Part("graphql-core", "graphql.execution.values:VariableValues", "graph/execution/admission.py", "sources, coerced"),
    Part(
        "graphql-core",
        "graphql.execution:get_variable_values",
        "graph/execution/admission.py",
        "schema, var_def_nodes, inputs, max_errors, hide_suggestions",
    ),
    Part(
        "graphql-core",
        "graphql:get_argument_values",
        "graph/execution/selections.py",
        "type_def, node, variable_values, fragment_variable_values, hide_suggestions",
    ),
    Part("sqlalchemy", "sqlalchemy.sql.compiler:SQLCompiler.positiontup", "db/sql/queries.py"),
    Part("sqlalchemy", "sqlalchemy:BindParameter.effective_value", "db/sql/queries.py"),
    Part("sqlalchemy", "sqlalchemy.types:TypeEngine.dialect_impl", "db/sql/queries.py", "self, dialect"),
    Part("sqlalchemy", "sqlalchemy.types:TypeEngine.bind_processor", "db/sql/queries.py", "self, dialect"),
    Part("sqlalchemy", "sqlalchemy.types:TypeEngine.result_processor", "db/sql/queries.py", "self, dialect, coltype"),
    Part("sqlalchemy", "sqlalchemy:Dialect.create_connect_args", "db/engine/postgresql/backend.py", "self, url"),
    Part(
        "sqlalchemy",
        "sqlalchemy.sql.visitors:replacement_traverse",
        "db/sql/statements.py",
        "obj, opts, replace",
    ),
    Part("starlette", "starlette.routing:Match", "gateway/app.py"),
    Part("starlette", "starlette.applications:Starlette.__call__", "gateway/app.py", "self, scope, receive, send"),
    Part("user-agents", "user_agents.parsers:UserAgent.is_tablet", "gateway/lookups/device.py"),
    Part("user-agents", "user_agents.parsers:UserAgent.is_mobile", "gateway/lookups/device.py"),
    Part("user-agents", "user_agents.parsers:UserAgent.is_pc", "gateway/lookups/device.py"),
    Part(
        "user-agents",
        "user_agents.parsers:parse_browser",
        "gateway/lookups/device.py",
        "family, major, minor, patch, patch_minor",
    ),
    Part(
        "user-agents",
        "user_agents.parsers:parse_operating_system",
        "gateway/lookups/device.py",
        "family, major, minor, patch, patch_minor",
    ),
    Part("user-agents", "user_agents.parsers:parse_device", "gateway/lookups/device.py", "family, brand, model"),
    Part("ua-parser", "ua_parser.regex:Resolver.__call__", "gateway/lookups/device.py", "self, ua, domains"),
    Part("ua-parser", "ua_parser:load_lazy_builtins", "gateway/lookups/device.py", ""),
    Part("ua-parser-rs", "ua_parser_rs:DeviceExtractor", "gateway/lookups/device.py"),
    Part("google-re2", "re2:Set.SearchSet", "gateway/lookups/pattern_set.py", "options"),
    Part("google-re2", "re2:Set.Match", "gateway/lookups/pattern_set.py", "self, text"),
    Part("google-re2", "re2:Options.NAMES", "gateway/lookups/pattern_set.py"),
    Part("limits", "limits.storage:MemoryStorage", "gateway/rate_limit.py"),
    Part("prometheus-client", "prometheus_client:Counter.remove", "gateway/unknown_codes.py", "self, labelvalues"),
]
# Attributes that are not declared by the class but assigned in its source, by the class that assigns them.
ATTRIBUTES = {
    f"{HTTP}:HttpToolsProtocol": (
        "uvicorn",
        "access_log access_logger app cycle expect_100_continue flow logger loop parser pipeline root_path scope "
        "server_state timeout_keep_alive transport url",
    ),
    f"{HTTP}:RequestResponseCycle": (
        "uvicorn",
        "access_log default_headers disconnected flow keep_alive message_event on_response response_complete "
        "response_started scope transport waiting_for_100_continue",
    ),
    SOCKET: ("uvicorn", "conn logger loop transport"),
    "websockets.protocol:Protocol": ("websockets", "logger"),
    "strawberry:Schema": ("strawberry-graphql", "_schema"),
    "strawberry:Info": ("strawberry-graphql", "_raw_info context"),
    "strawberry.asgi:GraphQL": ("strawberry-graphql", "allowed_origins"),
    "strawberry.asgi:ASGIWebSocketAdapter": ("strawberry-graphql", "ws"),
    HANDLER: ("strawberry-graphql", "connection_init_received context websocket"),
    "strawberry.types:ExecutionContext": (
        "strawberry-graphql",
        "_provided_operation_name graphql_document parse_options pre_execution_errors query variables",
    ),
    "graphql:GraphQLResolveInfo": ("graphql-core", "field_nodes fragments parent_type path schema variable_values"),
    "starlette.routing:Route": ("starlette", "endpoint path"),
    "limits.storage:MemoryStorage": ("limits", "storage"),
    "user_agents.parsers:UserAgent": ("user-agents", "browser device os ua_string"),
}
LIBRARIES = sorted({part.package for part in PARTS} | {package for package, _ in ATTRIBUTES.values()})


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
