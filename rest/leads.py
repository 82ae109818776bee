"""The lead endpoint, `POST /api/v1/track/lead`: decodes a lead, tracks it, and encodes the result."""

from db.ingest.conversions.records import Unattributed
from graph.domain.context import Context
from graph.domain.leads import PROVISIONAL, LeadInput, track_lead
from graph.domain.tracked_tests import TrackedTest
from rest.conversions import ConversionEndpoint, test_recorded
from rest.endpoint import Response
from rest.json_body import BodyDecoder
from rest.responses import LeadProvisional, LeadRecorded, LeadUnattributed

PATH = "/api/v1/track/lead"

decode = BodyDecoder(LeadInput)


class LeadEndpoint(ConversionEndpoint):
    """The endpoint's ASGI application."""

    failure = "Lead tracking failed"
    kind = "lead"
    needs_token = False

    async def record(self, context: Context, body: bytes) -> Response:
        lead, unreadable = decode(body)
        match await track_lead(context, lead, unreadable):
            case TrackedTest() as test:
                return test_recorded(self.kind, test)
            case Unattributed(click_age_days, window_days):
                late = LeadUnattributed(True, False, Unattributed.reason, click_age_days, window_days)
                return Response("unattributed", 200, late)
            case tracked if tracked.is_provisional:
                return Response("provisional", 200, LeadProvisional(True, True, PROVISIONAL))
            case tracked:
                outcome = "replayed" if tracked.is_known else "recorded"
                return Response(outcome, 200, LeadRecorded(True, "Lead tracked successfully"))
