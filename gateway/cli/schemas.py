"""The commands that print what the faces offer: the OpenAPI document and the GraphQL schema."""

import json

import click

from gateway.settings import Settings
from rest.openapi import document


@click.command("openapi")
def openapi_command() -> None:
    """Print the OpenAPI document."""
    click.echo(json.dumps(document(Settings().root_path), indent=2, ensure_ascii=False))


@click.command("schema")
def schema_command() -> None:
    """Print the GraphQL schema, as SDL."""
    from graph.schema.build import build_schema  # the list of commands, which comes by here, need not wait for it

    click.echo(build_schema().as_str())
