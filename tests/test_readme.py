"""The examples in the README that can be tested: the queries a dashboard starts from."""

import re
from pathlib import Path

import pytest

from tests.support.gateways import Gateway

README = Path(__file__).parent.parent / "README.md"
QUERIES = re.findall(r"```graphql\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_readme_has_five_example_queries() -> None:
    assert len(QUERIES) == 5


@pytest.mark.parametrize("role", ["admin", "program", "partner"])
async def test_the_example_queries_return_data(gateway: Gateway, role: str) -> None:
    link = await gateway.link()
    await gateway.track()
    bounds = {} if role == "admin" else {f"{role}_id": link[f"{role}_id"]}
    token = await gateway.token(role, **bounds)  # type: ignore[arg-type]  # one of the three roles
    for query in QUERIES:
        answer = await gateway.graphql(query, token=token)
        assert "errors" not in answer
        assert all(part for part in answer["data"].values())
