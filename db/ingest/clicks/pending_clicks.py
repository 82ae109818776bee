"""A click on its way through one batch: the ids reserved for it, its rows, and what became of it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from msgspec.structs import astuple

from db.ingest.clicks.records import Click, Receipt
from db.outbox.conditions import CLICK
from db.schema.columns import EPOCH
from db.sql.batch_statements import RowValues

MILLISECOND = timedelta(milliseconds=1)
# No more digits than a row id can have.
CLICK_ID = re.compile(r"cust_([0-9]{1,18})_[0-9]+")


@dataclass(slots=True)
class PendingClick:
    """A click in a batch: the ids reserved for it, then the customer it turned out to belong to and its outcome."""

    click: Click
    id: int
    new_customer_id: int
    customer_id: int = 0
    click_id: str = ""
    inserted: bool = False
    outcome: Receipt | Exception | None = None

    @property
    def replay_key(self) -> tuple[int, str] | None:
        event_id = self.click.visit.event_id
        return None if event_id is None else (self.click.program_id, event_id)

    @property
    def returning_key(self) -> tuple[int, int] | None:
        """The program and id of the customer that the click says it is from, if it says so in our words."""
        named = self.click.visit.existing_click_id
        match = None if named is None else CLICK_ID.fullmatch(named)
        return (self.click.program_id, int(match[1])) if match else None

    @property
    def is_replay(self) -> bool:
        return isinstance(self.outcome, Receipt) and self.outcome.replayed

    @property
    def is_new_customer(self) -> bool:
        return self.customer_id == self.new_customer_id

    def is_from(self, customer_id: int, click_id: str) -> None:
        """Take note of the known customer that the click belongs to."""
        self.customer_id, self.click_id = customer_id, click_id

    def is_first(self) -> None:
        """Take note that the click makes a customer, whose `click_id` carries its own id and the moment.

        It is another than `existing_click_id`, even where a visitor guessed right what it would be: by the two being
        the same one tells, ever after, that an event made no customer.
        """
        milliseconds = (self.click.received_at - EPOCH) // MILLISECOND
        self.customer_id, self.click_id = self.new_customer_id, f"cust_{self.new_customer_id}_{milliseconds}"
        if self.click_id == self.click.visit.existing_click_id:
            self.click_id = f"cust_{self.new_customer_id}_{milliseconds + 1}"

    @property
    def event_row(self) -> RowValues:
        click = self.click
        return (
            click.program_id,
            self.id,
            click.link_id,
            click.partner_id,
            self.customer_id,
            self.click_id,
            click.received_at,
            click.affiliate_url,
            *astuple(click.visit),
        )

    @property
    def customer_row(self) -> RowValues:
        click, at = self.click, self.click.received_at
        return click.program_id, self.customer_id, self.click_id, click.partner_id, click.link_id, at, at


def inserted_ranges(entries: Iterable[PendingClick]) -> Sequence[RowValues]:
    """Return the outbox's rows for a batch's inserted events, each with kind, program, first id, last id
    and their number: one for each program, as a rule.

    No event of another transaction lies in a range. A batch's ids are taken one after the other from one block, which
    is this process's alone. A later try of the same batch may insert what this one could not, or find what an earlier
    one inserted; so a range ends at a click that is neither inserted here nor a replay, which stays one.
    """
    ranges: list[tuple[int, int, int, int]] = []
    going_on = None
    for entry in sorted(entries, key=lambda entry: (entry.click.program_id, entry.id)):
        program_id = entry.click.program_id
        if not entry.inserted:
            going_on = going_on if entry.is_replay else None
        elif going_on == program_id:
            _, first, _, clicks = ranges.pop()
            ranges.append((program_id, first, entry.id, clicks + 1))
        else:
            ranges.append((program_id, entry.id, entry.id, 1))
            going_on = program_id
    return [(CLICK, *range_) for range_ in ranges]
