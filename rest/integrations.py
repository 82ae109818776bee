"""The endpoints that merchants try their integration with: test events, readiness and status."""

from urllib.parse import parse_qs

from msgspec import convert
from starlette.types import Receive, Scope

from db.ingest.integrations.records import ChainRun
from graph.domain.context import Context, Services
from graph.domain.errors import ClickgateError, Forbidden, RateLimited, TryLater, Unauthenticated, UnknownProgram
from graph.domain.permissions import NO_RECORDER, check_manager, check_program
from graph.http.body import read_body
from graph.integrations.readiness import Readiness, read_readiness
from graph.integrations.status import ProgramStatus, read_status
from graph.integrations.trials import TestEventInput, TriedEvent, send_test
from rest.conversions import identified_as
from rest.endpoint import LARGE_BYTES, Endpoint, Response, refused
from rest.integration_responses import (
    ChainData,
    ChainTried,
    ChainVerdicts,
    EventTried,
    Gates,
    MerchantError,
    MerchantProblem,
    ReadinessAnswer,
    RecentEvents,
    StatusAnswer,
)
from rest.json_body import BodyDecoder
from rest.responses import Problem

TEST_EVENT_PATH = "/api/v1/cli/test-event"
READINESS_PATH = "/api/v1/programs/me/readiness"
STATUS_PATH = "/api/v1/cli/status"
NOT_COUNTED = ""
"""The outcome of these requests, which are few: no metric counts them."""
# Long enough for a database to recover.
FAULT_RETRY_SECONDS = 10

decode = BodyDecoder(TestEventInput)


class IntegrationEndpoint(Endpoint):
    """An endpoint for a merchant's tools."""

    def count(self, services: Services, outcome: str) -> None:
        """Count nothing."""


class TestEventEndpoint(IntegrationEndpoint):
    """Runs the self-test, or records a single test event."""

    failure = "Test event failed"

    async def track(self, services: Services, scope: Scope, receive: Receive) -> Response:
        context = await _identified(services, scope)
        body = await read_body(scope, receive)
        if len(body) > LARGE_BYTES:
            await self.large_bodies.take(receive)
        sent, unreadable = decode(body)
        match await send_test(context, sent, unreadable):
            case ChainRun() as run:
                return Response(NOT_COUNTED, 200, _chain(run))
            case TriedEvent(event_type, event_id):
                message = f"Test {event_type} event recorded. It is attributed to nobody and counted nowhere."
                return Response(NOT_COUNTED, 200, EventTried(event_type, event_id, True, False, message))  # type: ignore[arg-type]

    def refused(self, refusal: ClickgateError) -> Response:
        if not isinstance(refusal, RateLimited):
            return refused(refusal)
        error = MerchantError("rate_limited", str(refusal), 429, refusal.retry_after)
        return Response(refusal.code, 429, MerchantProblem(error), {"Retry-After": str(refusal.retry_after)})


class ReadinessEndpoint(IntegrationEndpoint):
    """Says how far the integration of the token's program has come."""

    methods = ("GET",)
    failure = "Failed to compute readiness. Retry shortly."

    async def track(self, services: Services, scope: Scope, receive: Receive) -> Response:
        return Response(NOT_COUNTED, 200, _readiness(await read_readiness(await _identified(services, scope))))

    def refused(self, refusal: ClickgateError) -> Response:
        usual = refused(refusal)
        retry_after = refusal.retry_after if isinstance(refusal, TryLater) else None
        error = MerchantError(refusal.code, str(refusal), usual.status, retry_after)
        if isinstance(refusal, Unauthenticated):
            error = MerchantError("invalid_key", f"{NO_RECORDER}.")
        return usual._replace(body=MerchantProblem(error))

    def failed(self, fault: str) -> Response:
        error = MerchantError("internal_error", self.failure, 500, FAULT_RETRY_SECONDS)
        return super().failed(fault)._replace(body=MerchantProblem(error))


class StatusEndpoint(IntegrationEndpoint):
    """Answers with a program's status, to its own token or to an administrator's."""

    methods = ("GET",)
    failure = "Status failed"

    async def track(self, services: Services, scope: Scope, receive: Receive) -> Response:
        context = await identified_as(services, scope, _check_manager)
        named = parse_qs(scope["query_string"].decode(errors="replace"), max_num_fields=100).get("program_id", [""])
        return Response(NOT_COUNTED, 200, _status(await read_status(context, named[0])))

    def refused(self, refusal: ClickgateError) -> Response:
        if isinstance(refusal, UnknownProgram):
            return Response(refusal.code, 404, Problem(str(refusal), refusal.code))
        return refused(refusal)


async def _identified(services: Services, scope: Scope) -> Context:
    return await identified_as(services, scope, check_program)


def _check_manager(context: Context) -> None:
    try:
        check_manager(context)
    except Forbidden as error:
        raise Unauthenticated from error


def _chain(run: ChainRun) -> ChainTried:
    verdict = run.verdict
    verdicts = ChainVerdicts(verdict.click.value, verdict.lead.value, verdict.sale.value)
    return ChainTried(ChainData("chain", run.short_code, run.customer_key, verdicts, verdict.passed))


def _readiness(found: Readiness) -> ReadinessAnswer:
    return ReadinessAnswer(
        program_id=found.program_id,
        state=found.state,
        integration_verified=found.is_verified,
        blocker=found.blocker,
        gates=convert(found.gates, Gates),
        last_event_at=found.last_event_at,
        counts_24h=found.counts_24h,
        key_rotated_at=found.key_rotated_at,
    )


def _status(found: ProgramStatus) -> StatusAnswer:
    counts = found.recent_events
    return StatusAnswer(
        program_id=found.program_id,
        name=found.name,
        domain=found.domain,
        dns_verified=False,
        stripe_connected=False,
        recent_events=RecentEvents(counts.clicks, counts.leads, counts.sales),
        active_partners=found.active_partners,
        pending_commissions=found.pending_commissions,
    )
