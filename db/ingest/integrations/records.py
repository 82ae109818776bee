"""The self-test as the writer takes it, and its outcomes."""

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from db.ingest.clicks.records import VisitRecord
from db.ingest.recordable import Recordable


class Verdict(StrEnum):
    """What became of one step of the chain."""

    ATTRIBUTED = "attributed"
    """To the partner of the chain's link; a sale has also earned it a commission."""
    UNATTRIBUTED = "unattributed"
    WRONG_PARTNER = "wrong_partner"
    """To another partner than the one that the chain ran for."""
    PENDING = "pending"
    """Recorded as provisional."""


class ChainVerdict(Struct, frozen=True):
    """The verdicts on the steps that a merchant has to integrate."""

    click: Verdict
    lead: Verdict
    sale: Verdict

    @property
    def passed(self) -> bool:
        """Whether every step was attributed."""
        return self.click == self.lead == self.sale == Verdict.ATTRIBUTED


class ChainRun(Struct, frozen=True):
    """A finished chain: the names that its link and its customer had, and the verdict, which is committed."""

    short_code: str
    customer_key: str
    verdict: ChainVerdict


class ChainLimit(Struct, frozen=True):
    """The program has run as many chains within an hour as it may. Nothing was done."""

    retry_after_seconds: int


ChainOutcome: TypeAlias = ChainRun | ChainLimit


class NewChain(Recordable[ChainOutcome], frozen=True):
    """A chain to be run for a program. Its link and its customer exist for as long as it runs; `customer_key` names
    the chain, and no other has the same."""

    noun = "test chain"

    program_id: int
    short_code: str
    customer_key: str
    visit: VisitRecord
