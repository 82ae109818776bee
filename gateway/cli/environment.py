"""Checks of the environment and the arguments: variables that are no settings, and bytes that are no text."""

import logging
import os
import re
import sys
from collections.abc import Iterator
from difflib import get_close_matches

from gateway.errors import NotText
from gateway.settings import PREFIX, Settings

logger = logging.getLogger(__name__)

# The installation reads it, see `hatch_build.py`.
OTHERS = {"WEB"}
# Kubernetes tells every container of a service of this name by such variables.
OF_SERVICES = re.compile(r"(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP))(_\w+)?")
# Of a name that is less like a setting's, nothing can be said.
LIKENESS = 0.5


def warn_of_unknown_settings() -> None:
    """Log a warning of each variable that looks like a setting and is none, with the name that may be meant."""
    for name, meant in unknown_settings():
        logger.warning("%s is no setting%s", name, f": is {meant} meant?" if meant else "; the README lists them")


def unknown_settings() -> Iterator[tuple[str, str | None]]:
    """Yield each such variable of the environment, with the nearest name of a setting."""
    known = [name.upper() for name in Settings.model_fields]
    for name in sorted(os.environ):
        own = name.upper().removeprefix(PREFIX)
        if name.upper() == own or own in known or own in OTHERS or OF_SERVICES.fullmatch(own):
            continue
        nearest = get_close_matches(own, known, n=1, cutoff=LIKENESS)
        yield printable(name), PREFIX + nearest[0] if nearest else None


def check_texts() -> None:
    """Return if every argument and every setting is text. Raises `NotText`, which names the one that is not."""
    given = [(f"argument {number}", text) for number, text in enumerate(sys.argv[1:], 1)]
    given += [(name, value) for name, value in os.environ.items() if name.upper().startswith(PREFIX)]
    for name, value in given:
        if printable(value) != value:
            raise NotText(f"{printable(name)} is not text in UTF-8")


def printable(text: str) -> str:
    """Return a text as it can be written to a terminal or a log: bytes that are no UTF-8 as question marks."""
    return text.encode(errors="replace").decode()
