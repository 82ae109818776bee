"""The names of programs, partners and links, by which a report orders them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select

from db.schema.links import ReferralLink
from db.schema.partners import Partner
from db.schema.programs import Program
from db.segments.questions import LINK, PARTNER, PROGRAM
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import Ids, among
from graph.domain.scope import Audience, visible

NAMED: Mapping[str, tuple[Any, Any]] = {
    PROGRAM: (Program, Program.name),
    PARTNER: (Partner, Partner.name),
    LINK: (ReferralLink, ReferralLink.code),
}


@lru_cache
def names(dimension: str, audience: Audience) -> CompiledQuery:
    """Select the ids among the parameter `ids` that an audience may see, with their names."""
    row, name = NAMED[dimension]
    wanted = among(row.id, bindparam("ids", type_=Ids()))
    return CompiledQuery(select(row.id, name).where(wanted, visible(row, audience)))
