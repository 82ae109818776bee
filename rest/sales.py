"""The sale endpoint, `POST /api/v1/track/sale`: decodes a sale, tracks it, and encodes the result."""

from db.ingest.conversions.records import Unattributed
from graph.domain.context import Context
from graph.domain.sales import SaleInput, track_sale
from graph.domain.tracked_tests import TrackedTest
from rest.conversions import ConversionEndpoint, test_recorded
from rest.endpoint import Response
from rest.json_body import BodyDecoder
from rest.responses import SaleRecorded, SaleUnattributed

PATH = "/api/v1/track/sale"

decode = BodyDecoder(SaleInput)


class SaleEndpoint(ConversionEndpoint):
    """The endpoint's ASGI application."""

    failure = "Sale tracking failed"
    kind = "sale"

    async def record(self, context: Context, body: bytes) -> Response:
        sale, unreadable = decode(body)
        match await track_sale(context, sale, unreadable):
            case TrackedTest() as test:
                return test_recorded(self.kind, test)
            case Unattributed(click_age_days, window_days):
                late = SaleUnattributed(True, False, Unattributed.reason, click_age_days, window_days)
                return Response("unattributed", 200, late)
            case tracked:
                recorded = SaleRecorded(True, tracked.sale_id, tracked.commission_id, "Sale tracked successfully")
                return Response("recorded", 200, recorded)
