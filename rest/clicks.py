"""The click endpoint, `POST /api/v1/track/click`: decodes a visit, tracks it, and encodes the result."""

from starlette.types import Receive, Scope

from graph.domain import clicks
from graph.domain.context import Services
from graph.domain.errors import LinkInactive
from graph.domain.tracked_tests import TrackedTest
from graph.http.body import read_body
from graph.http.caller import caller
from rest.endpoint import LARGE_BYTES, Endpoint, Response
from rest.responses import ClickRecorded, ClickRefused, TestEvent, TestRecorded
from rest.visit_body import decode_visit

PATH = "/api/v1/track/click"


class ClickEndpoint(Endpoint):
    """The endpoint's ASGI application."""

    failure = "Click tracking failed"

    def count(self, services: Services, outcome: str) -> None:
        services.count(outcome)

    async def track(self, services: Services, scope: Scope, receive: Receive) -> Response:
        context = caller(services, scope)
        services.charge(context.client_address)
        body = await read_body(scope, receive)
        if len(body) > LARGE_BYTES:
            await self.large_bodies.take(receive)
        visit, unreadable = decode_visit(body)
        try:
            return _tracked(await clicks.track(context, visit, unreadable))
        except LinkInactive as refusal:
            return Response(refusal.code, 200, ClickRefused(False, str(refusal)))


def _tracked(tracked: clicks.TrackedClick | TrackedTest) -> Response:
    if isinstance(tracked, TrackedTest):
        event = TestEvent(tracked.event_id, tracked.program_id, True)
        return Response("test", 200, TestRecorded(True, "Test click event tracked successfully", event))
    recorded = ClickRecorded(True, tracked.click_id, tracked.partner_code, tracked.cookie_window_days)
    return Response("replayed" if tracked.replayed else "recorded", 200, recorded)
