"""Finds the customer that a conversion belongs to, in the state that was read. Pure functions."""

from collections.abc import Iterator

from db.ingest.clicks.pending_clicks import CLICK_ID
from db.ingest.conversions.records import NewLead, NewRefund, NewSale, Refusal
from db.ingest.conversions.state import ConversionState, CustomerKey, CustomerState


def click_ids_of(record: NewLead | NewSale | NewRefund) -> tuple[str, ...]:
    """Return the click ids that may name a conversion's customer, in the order in which they were sent."""
    if isinstance(record, NewLead):
        return record.click_ids
    return (record.click_id,) if isinstance(record, NewSale) and record.click_id is not None else ()


def id_in(click_id: str) -> int | None:
    """Return the customer id in a click id, or None if the gateway cannot have issued it."""
    match = CLICK_ID.fullmatch(click_id)
    return int(match[1]) if match else None


def candidates(state: ConversionState, record: NewLead | NewSale | NewRefund) -> Iterator[CustomerKey]:
    """Yield the keys of the customers that a conversion's click ids may name: in its program if it has a token, else
    in the program that owns the click id."""
    for click_id in click_ids_of(record):
        if record.program_id is not None:
            if (id := id_in(click_id)) is not None:
                yield record.program_id, id
        elif click_id in state.owners:
            yield state.owners[click_id]


def program_of(state: ConversionState, record: NewLead | NewSale | NewRefund) -> int | None:
    """Return the program of a conversion: its token's, or else that of the first click id that names a customer."""
    if record.program_id is not None:
        return record.program_id
    owners = (state.owners[click_id][0] for click_id in click_ids_of(record) if click_id in state.owners)
    return next(owners, None)


def customer_of(state: ConversionState, record: NewLead | NewSale) -> CustomerState | Refusal:
    """Return a conversion's customer: the one with its key, or else the first one that a click id names."""
    program_id = program_of(state, record)
    known = None
    if program_id is not None and record.customer_key is not None:
        known = state.by_key.get((program_id, record.customer_key))
    if known is not None:
        return known
    for click_id in click_ids_of(record):
        named = state.by_click_id.get(click_id)
        if named is not None and named.program_id == program_id:
            return named
        # Another program's customer may have been read for another conversion of the batch.
        if isinstance(record, NewLead) and (named is not None or click_id in state.owners):
            return Refusal.OTHER_PROGRAM
    return Refusal.UNKNOWN_CUSTOMER
