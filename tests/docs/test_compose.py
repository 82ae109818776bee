"""The examples for containers name commands that exist, and give a cluster what `clickgate db distribute` asks for."""

import re

import pytest

from db.cluster.requirements import OLDEST_CITUS
from gateway.cli.main import cli
from tests.docs.test_reference import commands
from tests.support.documents import ROOT

FILES = ("compose.yaml", "compose.cluster.yaml")
CLUSTER = (ROOT / "compose.cluster.yaml").read_text()


@pytest.mark.parametrize("file", FILES)
def test_the_commands_of_an_example_exist(file: str) -> None:
    text = (ROOT / file).read_text()
    names = re.findall(r"\bclickgate (db [a-z-]+)", text)
    names += re.findall(r'"clickgate", "([a-z]+)"', text)
    assert names
    assert set(names) <= set(commands(cli))


@pytest.mark.parametrize("file", FILES)
def test_an_example_holds_no_password_and_is_reached_on_the_loopback_address_only(file: str) -> None:
    text = (ROOT / file).read_text()
    passwords = re.findall(r"PASSWORD: (.*)", text)
    assert passwords
    assert all(value.startswith("${POSTGRES_PASSWORD") for value in passwords)
    assert all(published.startswith("127.0.0.1:") for published in re.findall(r"- (\S+:8000)$", text, re.MULTILINE))


def test_nodes_have_a_citus_that_works_and_prepare_a_transaction_for_each_connection() -> None:
    images = set(re.findall(r"image: citusdata/citus:(\d+)\.\d+$", CLUSTER, re.MULTILINE))
    assert {int(major) >= OLDEST_CITUS for major in images} == {True}
    settings = dict(re.findall(r"- -c([a-z_0-9.]+)=(\w+)", CLUSTER))
    assert int(settings["max_prepared_transactions"]) >= int(settings["max_connections"]) > 0
    assert "citus.recover_2pc_interval" in settings


def test_every_node_is_registered_and_keeps_its_data() -> None:
    nodes = re.findall(r"^  ([a-z0-9-]+):\n    <<: \*node$", CLUSTER, re.MULTILINE)
    assert len(nodes) == 3
    coordinator, *workers = nodes
    assert f"citus_set_coordinator_host('{coordinator}', 5432)" in CLUSTER
    assert [f"citus_add_node('{worker}', 5432)" in CLUSTER for worker in workers] == [True, True]
    assert f"for node in {' '.join(nodes)}; do" in CLUSTER
    assert all(f"- {node}:/var/lib/postgresql" in CLUSTER for node in nodes)
    assert f"@{coordinator}/" in CLUSTER
