"""Breakdowns show each token its own clicks alone: in rows, keys, counts and the rest."""

import pytest

from tests.graph.test_breakdown_queries import COUNTS, KEYS, sample, shared_url, shown
from tests.support.click_sample import Sample, global_ids, key_values

__all__ = ("sample", "shared_url")


@pytest.mark.slow
async def test_a_partner_sees_its_own_clicks_alone(sample: Sample) -> None:
    part = f"""clicks breakdown(by: [PARTNER, LINK], first: 1) {{
        totalCount rest {{ {COUNTS} }} nodes {{ clicks keys {{ value partner {{ name }} referralLink {{ code }} }} }}
    }}"""
    mine = sample.count("PARTNER", "LINK", of=lambda click: click.key["PARTNER"] == 1)
    report = await sample.report(part, token=sample.ann)
    assert report["clicks"] == sum(mine.values()) < len(sample.clicks)
    assert report["breakdown"]["totalCount"] == len(mine) == 3
    (row,) = report["breakdown"]["nodes"]
    assert row["clicks"] + report["breakdown"]["rest"]["clicks"] == report["clicks"]
    # The link that is Bob's by now is hidden, but not its clicks.
    everything = await sample.report(part.replace("first: 1", "first: 9"), token=sample.ann)
    codes = {row["keys"][1]["value"]: row for row in everything["breakdown"]["nodes"]}
    assert codes.keys() == {"A1", "A2", None}
    assert codes[None]["clicks"] == mine[1, 4]
    assert codes[None]["keys"][1]["referralLink"] is None
    assert {row["keys"][0]["value"] for row in codes.values()} == {"Ann"}
    of_others = await sample.report(part, token=sample.ann, filter=f"partnerIds: {global_ids('Partner', 2)}")
    assert (of_others["clicks"], of_others["breakdown"]["totalCount"]) == (0, 0)
    condition = f"where: [{{dimension: LINK, in: {global_ids('ReferralLink', 2)}}}]"
    of_others = await sample.report(part, token=sample.ann, filter=condition)
    assert (of_others["clicks"], of_others["breakdown"]["totalCount"]) == (0, 0)


async def test_a_search_finds_nothing_by_a_name_that_is_hidden(sample: Sample) -> None:
    part = 'breakdown(by: LINK, search: "mov") { totalCount nodes { clicks } rest { clicks } }'
    assert (await sample.report(part))["breakdown"]["totalCount"] == 1
    nothing = {"totalCount": 0, "nodes": [], "rest": {"clicks": 0}}
    assert (await sample.report(part, token=sample.ann))["breakdown"] == nothing
    assert (await sample.report(part, token=sample.beta))["breakdown"] == nothing


async def test_a_program_sees_its_own_clicks_alone(sample: Sample) -> None:
    selection = f"totalCount nodes {{ {KEYS} clicks }} rest {{ clicks }}"
    part = f"clicks breakdown(by: [PROGRAM, COUNTRY], first: 2) {{ {selection} }}"
    theirs = sample.count("PROGRAM", "COUNTRY", of=lambda click: click.key["PROGRAM"] == 2)
    report = await sample.report(part, token=sample.beta)
    rows = report["breakdown"]["nodes"]
    assert report["clicks"] == sum(theirs.values()) == sum(shown(rows).values()) + report["breakdown"]["rest"]["clicks"]
    assert report["breakdown"]["totalCount"] == len(theirs)
    assert {key_values(row)[0] for row in rows} == {"Beta"}
