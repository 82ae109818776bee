"""The commands that print the API's schemas: the OpenAPI document and the GraphQL schema."""

import json

import click

from gateway.configuration.settings import Settings
from rest.openapi.document import document


@click.command("openapi")
def openapi_command() -> None:
    """Print the OpenAPI document."""
    click.echo(json.dumps(document(Settings().root_path), indent=2, ensure_ascii=False))


@click.command("schema")
def schema_command() -> None:
    """Print the GraphQL schema as SDL."""
    from graph.schema.build import build_schema  # slow to import, and `clickgate --help` imports this module

    click.echo(build_schema().as_str())
