"""How far a command has come: a bar on a terminal, plain lines elsewhere, on standard error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

# Often enough to see that something happens, seldom enough for a log.
LINE_PERCENT = 10


@contextmanager
def progress(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """Give a function that is told how much more was done, of the length in all."""
    if sys.stderr.isatty():
        with click.progressbar(length=max(length, 1), label=label, file=sys.stderr) as bar:
            yield bar.update
            bar.update(max(length, 1) - bar.pos)
        return
    done = told = 0

    def advance(more: int) -> None:
        nonlocal done, told
        done += more
        percent = min(100 * done // max(length, 1), 100)
        if percent >= told + LINE_PERCENT:
            told = percent - percent % LINE_PERCENT
            click.echo(f"{label}: {told} %", err=True)

    yield advance
    if told < 100:
        click.echo(f"{label}: 100 %", err=True)
