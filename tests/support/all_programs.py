"""The statements that rightly read or write rows of all programs, each with the reason.

A cluster runs them on every node. A test checks that there are no others on the way of clicks and conversions and in
reports, and that each of these is still needed.
"""

from collections.abc import Set
from typing import NamedTuple


class AllPrograms(NamedTuple):
    """Statements that rightly use some tables without naming a program."""

    pattern: str
    """The beginning of such a statement, with single spaces."""
    tables: Set[str]
    reason: str


EXCEPTIONS = (
    AllPrograms(
        r"SELECT affiliate_programs\.id, .* WHERE affiliate_programs\.version > \$1",
        {"affiliate_programs"},
        "Each gateway knows all programs, and reads those that were changed.",
    ),
    AllPrograms(
        r"INSERT INTO affiliate_programs .* RETURNING affiliate_programs\.id",
        {"affiliate_programs"},
        "A new program gets its id from the column's default.",
    ),
    AllPrograms(
        r"SELECT given\.click_id, affiliate_programs\.id",
        {"affiliate_programs", "customers"},
        "A browser's conversion names its click but no program, so the click is looked for in all of them.",
    ),
    AllPrograms(
        r"DO \$\$ BEGIN IF \(SELECT reltuples",
        {"affiliate_lead_events", "affiliate_sales", "affiliate_refunds", "commissions"},
        "ANALYZE is for a whole table, and runs only while the table is small.",
    ),
    AllPrograms(
        r"SELECT affiliate_programs\.id, affiliate_programs\.domain .* WHERE affiliate_programs\.domain IN",
        {"affiliate_programs"},
        "A code that no link has is told to the program whose site it came from.",
    ),
    AllPrograms(
        r"SELECT affiliate_programs\.id FROM affiliate_programs LIMIT",
        {"affiliate_programs"},
        "Without a site, the code can only be told to a single program.",
    ),
    AllPrograms(
        r"SELECT max\(anon_1\.last_id\)",
        {"affiliate_programs"},
        "Ids are given out above those of all programs, each of which is asked for its own.",
    ),
    AllPrograms(
        r"SELECT coalesce\(max\(outbox_ranges\.id\)",
        {"outbox_ranges"},
        "A new consumer begins at the end of the outbox.",
    ),
    AllPrograms(
        r"DELETE FROM (report_segments|report_segment_totals|outbox_ranges) WHERE \1\.(kind|consumer) = \$1",
        {"report_segments", "report_segment_totals", "outbox_ranges"},
        "A new consumer first removes what one of its name has left.",
    ),
    AllPrograms(
        r"INSERT INTO report_segment_totals .* GROUP BY report_segments\.program_id",
        {"report_segments"},
        "Totals of what is left are made for each program.",
    ),
    AllPrograms(
        r"SELECT click_backfills\.program_id",
        {"click_backfills"},
        "The programs with older clicks to fill in are found first.",
    ),
    AllPrograms(
        r"SELECT coalesce\(sum\(anon_2\.events\)",
        {"outbox_ranges"},
        "A consumer's delay is that of the whole outbox.",
    ),
    AllPrograms(
        r"SELECT 1 WHERE \(EXISTS \(SELECT outbox_ranges\.id",
        {"outbox_ranges"},
        "A consumer looks for work of any program.",
    ),
    AllPrograms(
        r"SELECT count\(\*\) AS count_1 FROM \(SELECT outbox_ranges\.events",
        {"outbox_ranges"},
        "A consumer that works off many events at a time looks whether there are as many, of any program.",
    ),
    AllPrograms(
        r"SELECT outbox_ranges\.id, outbox_ranges\.kind",
        {"outbox_ranges"},
        "A portion is what comes next in the outbox, of any program.",
    ),
    AllPrograms(
        r"SELECT (affiliate_click_events|conversion_bookings)_1\..* FROM outbox_ranges JOIN \1 AS \1_1 .*"
        r" outbox_ranges\.program_id = \1_1\.program_id",
        {"outbox_ranges", "affiliate_click_events", "conversion_bookings"},
        "The rows of a portion are joined to it by their programs.",
    ),
    AllPrograms(
        r"SELECT \(SELECT coalesce\(min\(outbox_ranges\.id\)|WITH part_0 AS \(DELETE FROM outbox_ranges",
        {"outbox_ranges"},
        "What all consumers have processed is removed from the beginning of the outbox.",
    ),
    AllPrograms(
        r".* FROM affiliate_programs AS affiliate_programs_1 .* JOIN LATERAL",
        {"affiliate_programs"},
        "A report of several programs begins with the programs, and joins everything else to each.",
    ),
)
