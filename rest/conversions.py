"""What the endpoints for leads, sales and refunds share: identifying the caller, rate limits and metrics."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

from starlette.types import Receive, Scope

from graph.domain.context import Context, Services
from graph.domain.errors import Unauthenticated
from graph.domain.permissions import NO_RECORDER, check_recorder
from graph.domain.tracked_tests import TrackedTest
from graph.http.body import read_body
from graph.http.caller import Credential, caller, header, identified, token_in
from rest.endpoint import LARGE_BYTES, Endpoint, Response
from rest.responses import TestEvent, TestRecorded


class ConversionEndpoint(Endpoint):
    """An endpoint that a merchant's server calls with a token; anonymous requests are only for some of them.

    The rate limit is for visitors: a request with a valid token is not counted, since one server sends the conversions
    of all visitors from one address.
    """

    kind: ClassVar[str]
    needs_token: ClassVar[bool] = True

    def count(self, services: Services, outcome: str) -> None:
        services.count_conversion(self.kind, outcome)

    async def track(self, services: Services, scope: Scope, receive: Receive) -> Response:
        context = await self._identified(services, scope)
        body = await read_body(scope, receive)
        if len(body) > LARGE_BYTES:
            await self.large_bodies.take(receive)
        return await self.record(context, body)

    @abstractmethod
    async def record(self, context: Context, body: bytes) -> Response:
        """Record the conversion in a body. Raises `ClickgateError` and `RecordFailed`."""

    async def _identified(self, services: Services, scope: Scope) -> Context:
        """Return the context with the viewer. Raises `Unauthenticated` for a token that may not record conversions."""
        if header(scope, b"authorization") is None and not self.needs_token:
            context = caller(services, scope)
            services.charge(context.client_address)
            return context
        return await identified_as(services, scope, check_recorder)


async def identified_as(
    services: Services,
    scope: Scope,
    check: Callable[[Context], object],
    credential_in: Callable[[Scope], Credential | None] = token_in,
) -> Context:
    """Return the context with the viewer that the headers identify: by a token alone, unless `credential_in` takes
    more. Raises `Unauthenticated`, also for a viewer whom `check` refuses, and counts such a request against its
    client's rate limit."""
    context = caller(services, scope)
    try:
        context = await identified(context, credential_in(scope))
        check(context)
    except Unauthenticated as refusal:
        services.charge(context.client_address)
        raise Unauthenticated(NO_RECORDER) from refusal
    return context


def test_recorded(kind: str, tracked: TrackedTest) -> Response:
    """Return the response about a conversion that was sent in test mode."""
    event = TestEvent(tracked.event_id, tracked.program_id, True)
    return Response("test", 200, TestRecorded(True, f"Test {kind} event tracked successfully", event))
