"""The undocumented and private parts of libraries that clickgate uses, as they were last reviewed."""

from typing import NamedTuple


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
    Part("polars", "polars.datatypes.classes:PyCategories.num_cats_upper_bound", "db/segments/numbering.py", "self"),
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
    "polars:Categories": ("polars", "_categories"),
    "user_agents.parsers:UserAgent": ("user-agents", "browser device os ua_string"),
}
LIBRARIES = sorted({part.package for part in PARTS} | {package for package, _ in ATTRIBUTES.values()})
