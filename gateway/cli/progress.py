"""A progress indicator on standard error: a bar on a terminal, and plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

# Often enough to show progress, and seldom enough for a log file.
LINE_PERCENT = 10


@contextmanager
def progress(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that advances the indicator by a number of steps, out of `length` in total."""
    if sys.stderr.isatty():
        with click.progressbar(length=max(length, 1), label=label, file=sys.stderr) as bar:
            yield bar.update
            bar.update(max(length, 1) - bar.pos)
        return
    done = shown = 0

    def advance(more: int) -> None:
        nonlocal done, shown
        done += more
        percent = min(100 * done // max(length, 1), 100)
        if percent >= shown + LINE_PERCENT:
            shown = percent - percent % LINE_PERCENT
            click.echo(f"{label}: {shown} %", err=True)

    yield advance
    if shown < 100:
        click.echo(f"{label}: 100 %", err=True)
