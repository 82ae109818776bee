"""Where each table lies on a cluster.

A program's rows lie together on one node: whatever a report or a conversion needs of a program, one node has. Small
tables that are read with them are reference tables, of which each node has a copy. What coordinates gateways stays on
the coordinator, which every gateway connects to.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

# Programs come first: all others are distributed like them.
DISTRIBUTED: Mapping[str, str] = MappingProxyType(
    {
        "affiliate_programs": "id",
        **dict.fromkeys(
            (
                *("customers", "affiliate_click_events", "click_backfills"),
                *("affiliate_lead_events", "affiliate_sales", "affiliate_refunds", "commissions", "conversion_sums"),
                *("click_rollups", "conversion_rollups", "conversion_bookings"),
                *("report_segments", "report_segment_totals"),
                *("outbox_ranges", "dropped_clicks", "dropped_rollups"),
                *("affiliate_test_chains", "tracker_sites", "unknown_codes"),
            ),
            "program_id",
        ),
    }
)
"""The tables whose rows are on the node of their program, each with the column that says which program that is."""
REFERENCE: Sequence[str] = (
    *("affiliate_partners", "partner_programs", "referral_links", "link_directory_version"),
    *("commission_rules", "payouts"),
    *("outbox_consumers", "outbox_gaps", "outbox_histories", "click_horizon"),
    *("api_tokens", "web_sessions", "sign_in_links", "secrets"),
    *("affiliate_click_test_events", "affiliate_conversion_test_events"),
)
"""The tables that each node has a copy of."""
LOCAL: Sequence[str] = ("id_blocks", "click_writers", "alembic_version")
"""The tables that only the coordinator has."""
KEYS: Mapping[str, str] = MappingProxyType({"outbox_ranges": "program_id, id"})
"""The primary keys that a cluster needs instead of what other databases have: a node can only tell whether a key is
unique if it names the program."""
