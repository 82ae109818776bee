"""What the gateway's answers to an order and to a refund mean to the visitor, in words."""

from typing import NamedTuple

from gateway.demo.merchant_server import Exchange


class Outcome(NamedTuple):
    """A heading, a message, and the order that the visitor may now return, if any."""

    heading: str
    message: str
    transaction_id: str = ""


def sale_outcome(exchange: Exchange) -> Outcome:
    """Return what became of an order."""
    order = str(exchange.body["transaction_id"])
    match exchange.answered:
        case {"code": "duplicate_transaction", "sale_id": sale}:
            message = f"It is sale {sale}. Nothing was recorded twice."
            return Outcome("You have placed this order before", message, order)
        case {"attributed": False}:
            return Outcome("Thank you for your order", "The click is too long ago, so the gateway recorded no sale.")
        case {"sale_id": sale, "commission_id": None}:
            message = f"The gateway recorded sale {sale}. It earns no commission, because no rule grants one."
            return Outcome("Thank you for your order", message, order)
        case {"sale_id": sale, "commission_id": commission}:
            message = f"The gateway recorded sale {sale}, and commission {commission} for the partner who sent you."
            return Outcome("Thank you for your order", message, order)
        case {"code": "unknown_customer"}:
            message = "The gateway does not know this customer. Arrive through a partner link, sign up, and buy again."
            return Outcome("The sale was not recorded", message)
        case refused:
            return Outcome("The sale was not recorded", str(refused.get("error")))


def refund_outcome(exchange: Exchange) -> Outcome:
    """Return what became of a refund."""
    match exchange.answered:
        case {"status": "reversed" | "refunded", "deductionAmount": amount, "commission_id": commission}:
            message = f"The gateway recorded the refund and took {amount} off commission {commission}."
            return Outcome("Your order is refunded", message)
        case {"status": "skipped"}:
            return Outcome("Your order was refunded before", "There is nothing left to refund.")
        case {"status": "no_commission"}:
            message = "The gateway recorded the refund. The order had earned no commission."
            return Outcome("Your order is refunded", message)
        case {"code": "unknown_sale"}:
            return Outcome("The refund was not recorded", "The gateway knows no such order.")
        case refused:
            return Outcome("The refund was not recorded", str(refused.get("error")))
