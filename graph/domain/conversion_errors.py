"""The errors of leads, sales, refunds and commissions; part of the tree in `graph.domain.errors`."""

from graph.domain.errors import InvalidRequest


class UnknownRule(InvalidRequest):
    """No commission rule has this id."""

    message = "Commission rule not found"


class UnknownCommission(InvalidRequest):
    """No commission has this id."""

    message = "Commission not found"


class CommissionSettled(InvalidRequest):
    """The commission is paid, rejected or reversed; none of these can be changed."""

    def __init__(self, status: str) -> None:
        super().__init__(f"Commission is already {status}")


class NothingToPay(InvalidRequest):
    """The approved commissions do not exceed the clawbacks of paid ones."""

    message = "There is nothing to pay"


class CustomerMissing(InvalidRequest):
    """A lead has neither a click id nor a customer key."""

    message = "click_id or customer_key is required"
    fields = ("click_id", "customer_key")


class UnknownCustomer(InvalidRequest):
    """None of the keys and click ids of a conversion names a customer."""

    message = "Customer not found. Provide a valid click_id or customer_key."
    fields = ("click_id", "customer_key")


class ForeignCustomer(InvalidRequest):
    """The customer belongs to another program than the token."""

    message = "Customer does not belong to this program"


class AlreadyConverted(InvalidRequest):
    """The customer of a lead has bought already."""

    message = "Customer status cannot be updated to lead. Current status: conversion"


class TooManyLeads(InvalidRequest):
    """The customer of a provisional lead has as many of these as a sale can confirm."""

    message = "The customer has too many provisional leads"


class TransactionIdMissing(InvalidRequest):
    """`transaction_id` is missing, or is not a string of 1 to 255 characters."""

    message = "transaction_id is required and must be a string"
    fields = ("transaction_id",)


class AmountInvalid(InvalidRequest):
    """`amount_cents` is missing, or is not a positive integer of at most 10^12."""

    message = "amount_cents is required and must be a positive integer"
    fields = ("amount_cents",)


class UnknownSale(InvalidRequest):
    """No sale of the program has this transaction id."""

    message = "Sale not found for transaction_id"
    fields = ("transaction_id",)


class DuplicateTransaction(InvalidRequest):
    """A sale with this transaction id is recorded already, under `sale_id`; `commission_id` is None if it earned no
    commission."""

    message = "Duplicate transaction_id. This sale has already been recorded."
    fields = ("transaction_id",)

    def __init__(self, sale_id: int, commission_id: int | None) -> None:
        super().__init__()
        self.sale_id = sale_id
        self.commission_id = commission_id
