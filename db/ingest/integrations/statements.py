"""The statements of the self-test: the partner and the link that it needs, and the questions about what it recorded."""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    String,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from db.ingest.id_blocks import take_block
from db.schema.columns import UtcDateTime
from db.schema.commissions import Commission, CommissionRule
from db.schema.conversions import LeadEvent
from db.schema.customers import Customer
from db.schema.integrations import TestChain
from db.schema.links import ReferralLink
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program
from db.sql.batch_statements import compiled
from db.sql.compiled_queries import CompiledQuery

CHAINS_AN_HOUR = 10
HOUR = timedelta(hours=1)
COLUMNS = ("program_id", "customer_key", "short_code", "click", "lead", "sale", "created_at")

_program = bindparam("program", type_=BigInteger)
_row = bindparam("row", type_=BigInteger)
_hour_ago = bindparam("hour_ago", type_=UtcDateTime)
_at = bindparam("at", type_=UtcDateTime)
# Chains of one program take turns, so that they count each other. Clicks and new rules do not wait for this lock.
LOCK_PROGRAM = CompiledQuery(select(Program.id).where(Program.id == _program).with_for_update(key_share=True))
RECENT = CompiledQuery(
    select(TestChain.created_at)
    .where(TestChain.program_id == _program, TestChain.created_at > _hour_ago)
    .order_by(TestChain.created_at.desc())
    .limit(CHAINS_AN_HOUR)
)
CUSTOMER_PARTNER = CompiledQuery(
    select(Customer.partner_id).where(Customer.program_id == _program, Customer.id == _row)
)
LEAD_PARTNER = CompiledQuery(select(LeadEvent.partner_id).where(LeadEvent.program_id == _program, LeadEvent.id == _row))
COMMISSION_PARTNER = CompiledQuery(
    select(Commission.partner_id).where(Commission.program_id == _program, Commission.id == _row)
)
# Of the rules for sales that are in force and grant anything, the partner and the product of the most general one.
PAYING_RULE = CompiledQuery(
    select(CommissionRule.partner_id, CommissionRule.product_id)
    .where(
        CommissionRule.program_id == _program,
        CommissionRule.event == "sale",
        CommissionRule.effective_from <= _at,
        or_(CommissionRule.effective_to.is_(None), CommissionRule.effective_to > _at),
        or_(CommissionRule.basis_points > 0, CommissionRule.amount > 0),
    )
    .order_by(
        *(CommissionRule.partner_id.nulls_first(), CommissionRule.product_id.nulls_first()),
    )
    .limit(1)
)


def passed(chain: Any) -> ColumnElement[bool]:
    """Return whether a stored chain passed; `chain` is the mapped class or an alias of it."""
    # Not parameters: all of those have to be values of the row that a statement is run for.
    return and_(*(column == literal_column("'attributed'") for column in (chain.click, chain.lead, chain.sale)))


class ChainStatements:
    """Each attribute names the values of its rows, in order."""

    def __init__(self, dialect: Dialect) -> None:
        self.take = take_block(dialect)
        self.add_partner = compiled(dialect, insert(Partner).inline(), ("id", "name", "created_at"))
        self.add_membership = compiled(
            dialect, insert(PartnerProgram).inline(), ("program_id", "partner_id", "created_at")
        )
        link = ("id", "code", "program_id", "partner_id", "created_at")
        self.add_link = compiled(dialect, insert(ReferralLink).inline(), link)
        self.add_chain = compiled(dialect, insert(TestChain).inline(), COLUMNS)
        of_program = TestChain.program_id == _program
        later = aliased(TestChain)
        is_followed = exists().where(
            later.program_id == TestChain.program_id, later.created_at > TestChain.created_at, passed(later)
        )
        # The chains of the last hour count against the limit; of the others, only the last that passed matters.
        is_old = and_(of_program, TestChain.created_at <= _hour_ago)
        old = delete(TestChain).where(is_old, or_(not_(passed(TestChain)), is_followed))
        self.forget_chains = compiled(dialect, old, ("program", "hour_ago"))
        columns = (getattr(TestChain, name) for name in COLUMNS[:-1])
        found = select(*columns).where(of_program, TestChain.customer_key == bindparam("key", type_=String))
        self.find_chain = compiled(dialect, found, ("program", "key"))
