"""The refund endpoint, `POST /api/v1/track/refund`: decodes a refund, tracks it, and encodes the result."""

from msgspec import Raw

from graph.domain.context import Context
from graph.domain.currencies import in_major_units
from graph.domain.refunds import RefundInput, track_refund
from rest.conversions import ConversionEndpoint
from rest.endpoint import Response
from rest.json_body import BodyDecoder
from rest.responses import RefundRecorded, RefundSkipped, RefundWithoutCommission

PATH = "/api/v1/track/refund"

decode = BodyDecoder(RefundInput)


class RefundEndpoint(ConversionEndpoint):
    """The endpoint's ASGI application."""

    failure = "Refund tracking failed"
    kind = "refund"

    async def record(self, context: Context, body: bytes) -> Response:
        refund, unreadable = decode(body)
        tracked = await track_refund(context, refund, unreadable)
        match tracked.status:
            case "skipped":
                return Response("skipped", 200, RefundSkipped(True, "skipped", "already reversed"))
            case "no_commission":
                message = "Sale has no commission to reverse"
                return Response("no_commission", 200, RefundWithoutCommission(True, "no_commission", message))
        deducted = Raw(in_major_units(tracked.deducted, tracked.currency).encode())
        return Response(tracked.status, 200, RefundRecorded(True, tracked.status, deducted, tracked.commission_id))
