"""The SDL snapshot, and its agreement with the entities."""

from pathlib import Path

import pytest
from graphql import is_enum_type, is_input_object_type, is_interface_type, is_object_type

from graph.query.entities import ENTITIES
from graph.query.page_values import TIMEZONE, WHERE
from graph.schema.build import build_schema
from tests.support.databases import MakeDatabase
from tests.support.processes import clickgate

SNAPSHOT = Path(__file__).parent / "schema.graphql"
SCHEMA = build_schema()._schema


@pytest.mark.slow
def test_the_schema_matches_the_snapshot(make_sqlite: MakeDatabase) -> None:
    # `clickgate schema > tests/graph/schema.graphql` agrees to a change.
    assert clickgate(make_sqlite(), "schema").stdout == SNAPSHOT.read_text()


def test_every_type_and_field_is_described() -> None:
    silent = []
    for name, type_ in SCHEMA.type_map.items():
        if name.startswith("__"):
            continue
        if not type_.description:
            silent.append(name)
        if is_object_type(type_) or is_interface_type(type_) or is_input_object_type(type_):
            fields = type_.fields.items()
            silent += [f"{name}.{field}" for field, declared in fields if not declared.description]
        if is_object_type(type_):
            arguments = [(field, each) for field, declared in type_.fields.items() for each in declared.args.items()]
            silent += [f"{name}.{field}({each})" for field, (each, declared) in arguments if not declared.description]
    assert silent == []


def test_every_field_of_a_type_is_readable_from_its_entity() -> None:
    for name, kind in ENTITIES.items():
        type_ = SCHEMA.type_map[name]
        assert is_object_type(type_)
        for declared in type_.fields.values():
            field = declared.extensions["strawberry-definition"].python_name
            assert field in kind.references or field in kind.children or kind.attribute(field)


def test_every_order_and_filter_of_an_entity_is_in_the_schema() -> None:
    asked = {
        name: {declared.extensions["strawberry-definition"].python_name for declared in type_.fields.values()}
        for name, type_ in SCHEMA.type_map.items()
        if is_input_object_type(type_)
    }
    for name, kind in ENTITIES.items():
        on_dimensions = {WHERE, TIMEZONE} if name == "ClickEvent" else set()
        assert asked[f"{name}Filter"] == set(kind.filters) | on_dimensions
        order = SCHEMA.type_map.get(f"{name}OrderField", SCHEMA.type_map["EventOrderField"])
        assert is_enum_type(order)
        assert {value.lower() for value in order.values} == set(kind.orders)
