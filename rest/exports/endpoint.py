"""The endpoints `GET /api/v1/export/{list}.csv` and `.ndjson`, which download every row of a list."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from graph.domain.context import Context, Services
from graph.domain.errors import FieldInvalid
from graph.domain.permissions import viewer_of
from graph.http.caller import credential, header
from graph.http.content_negotiation import takes_gzip
from rest.conversions import identified_as
from rest.endpoint import Endpoint, Response
from rest.exports.encoder import ExportEncoder
from rest.exports.formats import FORMATS
from rest.exports.metrics import EXPORTS
from rest.exports.slots import ExportSlots
from rest.exports.stream import ExportStream

if TYPE_CHECKING:  # slow to import
    from graph.exports.reader import Export

NAMES = ("clicks", "links", "customers", "leads", "sales", "refunds", "commissions", "payouts", "partners", "programs")
STARTED = "started"
"""The outcome of a request whose export is counted once it has ended."""
# Waits until what is imported late has been imported elsewhere.
Ready: TypeAlias = Callable[[], Awaitable[None]]
PATH = "/api/v1/export/{}.{}"


class ExportEndpoint(Endpoint):
    """Exports one list in one format."""

    methods = ("GET",)
    failure = "Export failed"

    def __init__(self, name: str, format: str, slots: ExportSlots, ready: Ready) -> None:
        super().__init__()
        self._ready = ready
        self._name = name
        self._format = FORMATS[format]
        self._file_name = f"{name}.{format}"
        self._slots = slots

    def count(self, services: Services, outcome: str) -> None:
        if outcome != STARTED:
            EXPORTS.labels(self._name, outcome).inc()

    async def track(self, services: Services, scope: Scope, receive: Receive) -> Response:
        context = await identified_as(services, scope, viewer_of, credential)
        given = _parameters(scope["query_string"])
        await self._ready()
        export = _requested(context, self._name, given, is_flat=self._format.is_flat)
        is_compressed = takes_gzip(header(scope, b"accept-encoding"))
        slot = self._slots.take(viewer_of(context))
        try:
            encoder = ExportEncoder(self._format, await export.begin(), is_compressed=is_compressed)
            stream = ExportStream(self._name, export, encoder, slot, receive)
            await stream.begin()
        except BaseException:
            slot.give_back()
            raise
        return Response(STARTED, 200, headers=self._headers(is_compressed=is_compressed), stream=stream)

    def _headers(self, *, is_compressed: bool) -> Mapping[str, str]:
        return {
            "Content-Type": self._format.media_type,
            "Content-Disposition": f'attachment; filename="{self._file_name}"',
            "Cache-Control": "no-store",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
            **({"Content-Encoding": "gzip"} if is_compressed else {}),
        }


def export_endpoints(ready: Ready) -> dict[str, Endpoint]:
    """Return the endpoints by path. They share the slots of the process. `ready` returns once `graph.exports` can be
    imported."""
    slots = ExportSlots()
    return {
        PATH.format(name, format): ExportEndpoint(name, format, slots, ready) for name in NAMES for format in FORMATS
    }


def _parameters(query: bytes) -> Sequence[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query), errors="strict")
    except ValueError as error:
        raise FieldInvalid("The query string", "is not valid") from error


def _requested(context: Context, name: str, given: Sequence[tuple[str, str]], *, is_flat: bool) -> "Export":
    # Imported late: its libraries are slow to import, and clicks do not need them.
    from graph.exports.requests import requested_export

    return requested_export(context, name, given, is_flat=is_flat)
