"""Reports a sale to the gateway, as a shop's server does when a payment has arrived.

    TRACKING_TOKEN=cg_… python3 report_sale.py https://clicks.shop.example user_1001 order_1 4999 EUR

The customer is the id that the sign-up was reported with, and the amount is in minor units: 4999 is 49.99 EUR. The
token has the role `tracking`. After a lost answer the sale is sent again: the gateway records an order once.

It needs Python 3.11 or newer and no packages.
"""

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any

ATTEMPTS = 5
TIMEOUT_SECONDS = 30
# The gateway or its database is unavailable or busy.
PASSING_STATUSES = {408, 425, 429, 500, 502, 503, 504}
DUPLICATE = 409


def main() -> None:
    if len(sys.argv) != 6 or not os.environ.get("TRACKING_TOKEN"):
        sys.exit("usage: TRACKING_TOKEN=… report_sale.py GATEWAY CUSTOMER ORDER AMOUNT CURRENCY")
    gateway, customer, order, amount, currency = sys.argv[1:]
    sale = {"customer_key": customer, "transaction_id": order, "amount_cents": int(amount), "currency": currency}
    for attempt in range(ATTEMPTS):
        answer = report(gateway, os.environ["TRACKING_TOKEN"], sale)
        if answer is not None:
            print(json.dumps(answer))
            return
        time.sleep(2**attempt)
    sys.exit(f"{gateway} did not answer. Report the sale again later.")


def report(gateway: str, token: str, sale: dict[str, Any]) -> dict[str, Any] | None:
    """Return the gateway's answer, also if it knew the sale already, or None to try again. Exits if it is refused."""
    request = urllib.request.Request(
        gateway.rstrip("/") + "/api/v1/track/sale",
        json.dumps(sale).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            return dict(json.load(response))
    except urllib.error.HTTPError as error:
        if error.code in PASSING_STATUSES:
            return None
        if error.code != DUPLICATE:
            sys.exit(f"{gateway} refused the sale: {error.code} {error.read().decode(errors='replace')}")
        return dict(json.load(error))
    except (OSError, http.client.HTTPException, ValueError):
        # No connection, a broken one, or a response from a proxy instead of the gateway.
        return None


if __name__ == "__main__":
    main()
