"""The commands for the outbox: how far its consumers are, and starting one again from the beginning."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

import click

from db.engine.schema_revision import ensure_current
from db.engine.store import Store
from db.outbox.consumer import Consumer
from db.outbox.consumers import list_consumers, remove_consumer, rewind_consumer
from gateway.configuration.settings import Settings
from gateway.consumers import NAMES, consumers

Result = TypeVar("Result")


@click.group("outbox")
def outbox() -> None:
    """The log of what was recorded, and the consumers that work through it."""


@outbox.command("list")
def list_command() -> None:
    """Print each consumer's position and what it has yet to process, as JSON."""
    states = asyncio.run(_with_store(list_consumers))
    click.echo(json.dumps([asdict(state) for state in states], default=str, indent=2))


@outbox.command("rewind")
@click.argument("name")
def rewind_command(name: str) -> None:
    """Remove what a consumer has written, and have it start again from the first event ever recorded.

    Gateways may go on meanwhile, and process the events. Reports stay exact, but are slower until all events are in the
    rollups again: to mend single rows, `clickgate rollups rebuild` is gentler.
    """
    if name not in NAMES:
        raise click.BadParameter(f"this version runs {', '.join(NAMES)}, not {name!r}", param_hint="NAME")
    asyncio.run(_with_store(lambda store: rewind_consumer(store, _named(store, name))))
    click.echo(f"{name} start again from the beginning.")


@outbox.command("remove")
@click.argument("name")
def remove_command(name: str) -> None:
    """Remove a consumer that no gateway runs any more, so that the log no longer keeps rows for it."""
    if name in NAMES:
        raise click.BadParameter(f"every gateway of this version runs {name}", param_hint="NAME")
    asyncio.run(_with_store(lambda store: remove_consumer(store, name)))
    click.echo(f"{name} is removed.")


def _named(store: Store, name: str) -> Consumer:
    return next(consumer for consumer in consumers(store) if consumer.name == name)


async def _with_store(action: Callable[[Store], Awaitable[Result]]) -> Result:
    store = Store(Settings().database_url)
    try:
        await ensure_current(store, may_upgrade=False, may_create=False)
        return await action(store)
    finally:
        await store.close()
