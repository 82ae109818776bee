"""The filter of a report."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry import ID

from graph.domain.errors import FieldInvalid
from graph.query.global_ids import decode_key
from graph.reports.requests import CONDITIONS, FILTER_IDS, ReportFilter
from graph.schema.dimension_conditions import DimensionCondition, conditions
from graph.schema.fields import optional


@strawberry.input(
    description="Restricts a report. A click must meet every condition given, and so must the click that a conversion "
    "is attributed to. Ids that your token cannot see match no clicks."
)
class ClickReportFilter:
    program_ids: list[ID] | None = optional("Only count clicks for these programs; at most 100 ids.")
    partner_ids: list[ID] | None = optional("Only count clicks credited to these partners; at most 100 ids.")
    referral_link_ids: list[ID] | None = optional("Only count clicks through these links; at most 100 ids.")
    is_bot: bool | None = optional("Only count clicks by bots (`true`) or only clicks by people (`false`).")
    where: list[DimensionCondition] | None = optional(
        f"Only count clicks that meet all of these conditions on dimensions; at most {CONDITIONS}."
    )


def report_filter(given: Mapping[str, Any]) -> ReportFilter:
    """Return the filter that a `ClickReportFilter` describes. Raises `FieldInvalid`."""
    return ReportFilter(
        _ids(given, "programIds", "Program"),
        _ids(given, "partnerIds", "Partner"),
        _ids(given, "referralLinkIds", "ReferralLink"),
        given.get("isBot"),
        conditions(given.get("where") or (), "filter.where"),
    )


def _ids(given: Mapping[str, Any], name: str, entity: str) -> tuple[int, ...] | None:
    listed = given.get(name)
    if listed is None:
        return None
    if len(listed) > FILTER_IDS:
        raise FieldInvalid(f"filter.{name}", f"must have at most {FILTER_IDS} ids")
    return tuple(decode_key(id, entity, f"filter.{name}[{at}]")[0] for at, id in enumerate(listed))
