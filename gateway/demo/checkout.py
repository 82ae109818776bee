"""The shop's checkout: takes orders and refunds, reports them to the gateway, and shows what it answered."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode
from uuid import uuid4

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.demo.conversions import CURRENCY, PRODUCTS
from gateway.demo.merchant_server import Exchange, MerchantServer
from gateway.demo.outcomes import Outcome, refund_outcome, sale_outcome
from gateway.demo.page_templates import Page
from gateway.demo.welcome import SHOP
from graph.domain.errors import BodyUnreadable, ClickgateError
from graph.http.body import read_body
from rest import refunds, sales
from rest.endpoint import refused

CHECKOUT, REFUND = f"{SHOP}/checkout", f"{SHOP}/refund"
CLICK_COOKIE = "affitor_click_id"
PRICES = {product.id: product.price for product in PRODUCTS if not product.renews}
USUAL = "desk"
# More than the forms have.
MOST_FIELDS = 20


class Checkout:
    """The pages on which a visitor buys and returns things."""

    def __init__(self, root_path: str) -> None:
        self._path = root_path + CHECKOUT
        self._server = MerchantServer()
        self._form = Page("checkout", "Checkout — YourSite", root_path)
        self._result = Page("result", "Your order — YourSite", root_path)

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the pages."""
        return [
            Route(CHECKOUT, self.choose, methods=["GET"]),
            Route(CHECKOUT, self.buy, methods=["POST"]),
            Route(REFUND, self.leave, methods=["GET"]),
            Route(REFUND, self.refund, methods=["POST"]),
        ]

    async def choose(self, request: Request) -> Response:
        """Show the products, with the customer key of a visitor who has just signed up."""
        return await self._choice(request, request.query_params)

    async def leave(self, _request: Request) -> Response:
        """Redirect a visitor who opens a refund's address without a refund."""
        return RedirectResponse(self._path, 303)

    async def buy(self, request: Request) -> Response:
        """Take an order, and report it as a sale."""
        try:
            fields = await _fields(request)
            if not fields.get("customer_key", "").strip():
                return await self._choice(request, fields, "Enter the customer key that you signed up with.")
            if fields.get("product") not in PRICES:
                return await self._choice(request, fields, "Choose one of the notebooks.")
            exchange = await self._server.post(request, sales.PATH, _sale(fields, request.cookies.get(CLICK_COOKIE)))
        except ClickgateError as refusal:
            return await self._choice(request, {}, str(refusal), refused(refusal).status)
        return await self._shown(request, exchange, sale_outcome(exchange))

    async def refund(self, request: Request) -> Response:
        """Refund what is left of an order, and report that."""
        try:
            transaction_id = (await _fields(request)).get("transaction_id", "")
            if not transaction_id.strip():
                return await self._choice(request, {}, "There is no order to refund: buy something first.")
            body = {"transaction_id": transaction_id, "refund_reason": "Returned by the customer"}
            exchange = await self._server.post(request, refunds.PATH, body)
        except ClickgateError as refusal:
            return await self._choice(request, {}, str(refusal), refused(refusal).status)
        return await self._shown(request, exchange, refund_outcome(exchange))

    async def _choice(
        self, request: Request, fields: Mapping[str, str], problem: str = "", status: int = 400
    ) -> HTMLResponse:
        """Return the page with the products, and with what is wrong with the fields that were sent, if anything."""
        product = fields.get("product")
        checked = product if product in PRICES else USUAL
        return await self._form.response(
            request,
            status if problem else 200,
            **{f"{name}_checked": "checked" if name == checked else "" for name in PRICES},
            problem=problem,
            hide_problem="" if problem else "hidden",
            customer_key=fields.get("customer_key", ""),
            # Issued with the form, so that an order that is sent twice is recorded once.
            transaction_id=f"order_{uuid4().hex}",
        )

    async def _shown(self, request: Request, exchange: Exchange, outcome: Outcome) -> HTMLResponse:
        customer_key = exchange.body.get("customer_key")
        return await self._result.response(
            request,
            exchange.status,
            customer=f"?{urlencode({'customer_key': customer_key})}" if customer_key else "",
            **outcome._asdict(),
            **exchange.shown(),
            hide_refund="" if outcome.transaction_id else "hidden",
        )


async def _fields(request: Request) -> dict[str, str]:
    """Return the fields of a form that are not empty. Raises `ClickgateError` if there are too many, or they are too
    large."""
    try:
        body = await read_body(request.scope, request.receive)
        return dict(parse_qsl(body.decode(errors="replace"), max_num_fields=MOST_FIELDS))
    except (ValueError, ClientDisconnect) as error:
        raise BodyUnreadable("The form could not be read") from error


def _sale(fields: Mapping[str, str], click_id: str | None) -> dict[str, Any]:
    """Return the body that reports an order. The click id is for a customer who has not signed up."""
    return {
        "transaction_id": fields.get("transaction_id") or f"order_{uuid4().hex}",
        "amount_cents": PRICES[fields["product"]],
        "currency": CURRENCY,
        "customer_key": fields["customer_key"],
        **({"click_id": unquote(click_id)} if click_id else {}),
        "product_id": fields["product"],
    }
