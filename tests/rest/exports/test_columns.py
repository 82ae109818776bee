"""Every list has an endpoint, and every value of its rows has a column, so that fields added later are exported."""

import pytest
from graphql import get_named_type, is_leaf_type

from graph.exports.export_lists import EXPORT_LISTS
from graph.exports.parameters import FILTERS, parameters
from graph.query.entities import ENTITIES
from graph.query.page_values import TIMEZONE, WHERE
from rest.exports.endpoint import NAMES
from tests.support.exports import GraphQLList, graphql_path
from tests.support.schema_documents import object_type


def test_every_list_has_an_endpoint_and_filters() -> None:
    assert list(NAMES) == list(EXPORT_LISTS) == list(FILTERS)


@pytest.mark.parametrize("name", NAMES)
def test_every_value_of_a_row_has_a_column(name: str) -> None:
    listed = GraphQLList(name)
    fields = object_type(listed.kind).fields
    types = {field: get_named_type(declared.type) for field, declared in fields.items()}
    values = {field for field, type_ in types.items() if is_leaf_type(type_) or type_.name == "Money"}
    assert values <= {graphql_path(column)[0] for column in listed.columns}


@pytest.mark.parametrize("name", NAMES)
def test_the_names_of_columns_are_unique(name: str) -> None:
    names = [column.name for column in EXPORT_LISTS[name].columns]
    assert len(names) == len(set(names))
    assert "cursor" not in names


@pytest.mark.parametrize("name", NAMES)
def test_every_filter_of_a_list_is_a_parameter(name: str) -> None:
    entity = EXPORT_LISTS[name].entity
    on_dimensions = {WHERE, TIMEZONE} if name == "clicks" else set()
    expected = {*ENTITIES[entity.name].filters} | on_dimensions
    assert {parameter.filter for parameter in parameters(name).values()} == expected
