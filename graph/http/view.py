"""The `/graphql` endpoint: HTTP requests as in the GraphQL-over-HTTP draft, and WebSockets.

HTTP is handled here rather than by Strawberry, for its status codes, limits and media types.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from json import JSONDecodeError

import msgspec
from graphql import GraphQLError
from msgspec.structs import replace
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http.websocket_origin import normalize_origin
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from graph.domain.context import Context
from graph.execution.admission import GuardedSchema
from graph.execution.error_presentation import presented, presented_refusal
from graph.execution.metrics import OperationTimer, kind_of
from graph.execution.requests import GraphQLRequest, PersistedQueryNotSupported
from graph.http.caller import caller, credential, header, identified
from graph.http.content_negotiation import JSON, response_media_type, takes_gzip, wants_page
from graph.http.positions import HEADER, position_headers, position_in
from graph.http.requests import posted, queried
from graph.http.responses import GraphQLResponse, MethodNotAllowed, NotAcceptable, error_response, result_response
from graph.http.websocket import OPERATIONS_PER_SOCKET, Socket, SocketHandler

METHODS = ("GET", "POST", "OPTIONS")
# Long enough for a slow connection; clients initialize at once.
INIT_SECONDS = 10
ALLOWED = {"GET": (OperationType.QUERY,), "POST": (OperationType.QUERY, OperationType.MUTATION)}
VARY = "Accept, Accept-Encoding, Origin"
PREFLIGHT = {
    "Access-Control-Allow-Methods": ", ".join(METHODS),
    "Access-Control-Max-Age": "86400",
    "Vary": f"{VARY}, Access-Control-Request-Headers",
}
USUAL_HEADERS = "Authorization, Content-Type"
# Header names separated by commas. Browsers ask for a handful.
HEADER_NAMES = re.compile(r"[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*", re.ASCII)
HEADER_NAMES_LENGTH = 4096
# Longer than any page's origin. Response heads, which repeat it, are cached.
ORIGIN_LENGTH = 512


class GraphQLView(GraphQL[Context, None]):
    """The endpoint of a schema. The services of the process are taken from the state of the lifespan.

    `origins` are the origins, besides the gateway's own, whose pages may use the endpoint; `*` allows any. `page`
    answers browsers that ask for HTML.
    """

    websocket_adapter_class = Socket
    graphql_transport_ws_handler_class = SocketHandler

    def __init__(self, schema: GuardedSchema, *, origins: Sequence[str] = (), page: ASGIApp | None = None) -> None:
        super().__init__(
            schema,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            max_subscriptions_per_connection=OPERATIONS_PER_SOCKET,
            allowed_origins=origins,
        )
        self._schema = schema
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
        elif self._page is not None and _asks_for_page(scope):
            await self._page(scope, receive, send)
        else:
            media = response_media_type(header(scope, b"accept"))
            try:
                answer = await self._answer(scope, receive, media)
            except ClientDisconnect:
                return
            except Exception as error:
                answer = error_response(error, media or JSON)
            may_compress = takes_gzip(header(scope, b"accept-encoding"))
            await answer.send(send, self._shared_headers(scope), may_compress=may_compress)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        return caller(request.scope["state"]["services"], request.scope)

    async def _answer(self, scope: Scope, receive: Receive, media: str | None) -> GraphQLResponse:
        method = scope["method"]
        if method == "OPTIONS":
            return _preflight(scope)
        if method not in METHODS:
            raise MethodNotAllowed("Method not allowed", *METHODS)
        if media is None:
            raise NotAcceptable
        context = await identified(caller(scope["state"]["services"], scope), credential(scope))
        if context.services.replica is not None:
            context = replace(context, position=position_in(scope))
        try:
            turns = self._schema.turns(context)
            request = await posted(scope, receive, turns) if method == "POST" else await queried(scope, receive, turns)
        except PersistedQueryNotSupported as error:
            return result_response(PreExecutionError(None, [presented_refusal(error)]), media)
        answer = await self._execute(request, context, method, media)
        if context.services.replica is not None and self._changes(request):
            answer.headers.update(position_headers(scope, context))
        return answer

    def _changes(self, request: GraphQLRequest) -> bool:
        return kind_of(self._schema.documents, request.query, request.operation_name) == OperationType.MUTATION.value

    async def _execute(self, request: GraphQLRequest, context: Context, method: str, media: str) -> GraphQLResponse:
        try:
            kind = kind_of(self._schema.documents, request.query, request.operation_name)
            with OperationTimer(kind) as measured:
                result = measured.result = await self._schema.execute_request(request, context, ALLOWED[method])
        except InvalidOperationTypeError as error:
            if method == "GET":
                raise MethodNotAllowed("Only queries can be sent with GET", "POST") from error
            refusal = GraphQLError("Subscriptions require a WebSocket")
            return result_response(PreExecutionError(None, [presented(refusal)]), media)
        except (MissingQueryError, CannotGetOperationTypeError) as error:
            refusal = GraphQLError("The document has no such operation", original_error=error)
            return result_response(PreExecutionError(None, [presented(refusal)]), media)
        return result_response(result, media)

    def _shared_headers(self, scope: Scope) -> dict[str, str]:
        headers = {"Cache-Control": "no-store"}
        if scope["method"] != "OPTIONS":
            headers["Vary"] = VARY
        origin = header(scope, b"origin")
        if origin is not None and len(origin) <= ORIGIN_LENGTH and self._is_allowed(origin):
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = f"{HEADER}, Retry-After, WWW-Authenticate"
        return headers

    def _is_allowed(self, origin: str) -> bool:
        return "*" in self.allowed_origins or normalize_origin(origin) in self.allowed_origins

    def decode_json(self, data: str | bytes) -> object:
        try:
            return msgspec.json.decode(data)
        except (ValueError, RecursionError) as error:
            raise JSONDecodeError(str(error), "", 0) from error

    def encode_json(self, data: object) -> str:
        return msgspec.json.encode(data).decode()


def _preflight(scope: Scope) -> GraphQLResponse:
    """Allow any headers that a page asks for, such as those of tracing. Only the token means anything here, and
    `origins` controls who may send it."""
    requested = header(scope, b"access-control-request-headers") or ""
    is_list = len(requested) <= HEADER_NAMES_LENGTH and HEADER_NAMES.fullmatch(requested) is not None
    allowed = {"Access-Control-Allow-Headers": requested if is_list else USUAL_HEADERS}
    return GraphQLResponse(204, headers={"Allow": ", ".join(METHODS)} | PREFLIGHT | allowed)


def _asks_for_page(scope: Scope) -> bool:
    has_query = scope["query_string"].startswith(b"query=") or b"&query=" in scope["query_string"]
    return scope["method"] == "GET" and not has_query and wants_page(header(scope, b"accept"))
