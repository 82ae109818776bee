"""Checks the environment and the arguments for misspelt settings and for invalid UTF-8."""

import logging
import os
import re
import sys
from collections.abc import Iterator
from difflib import get_close_matches

from gateway.configuration.errors import NotText
from gateway.configuration.settings import PREFIX, Settings

logger = logging.getLogger(__name__)

# Used by the installation, see `hatch_build.py`.
OTHERS = {"WEB"}
# Kubernetes sets these variables in containers if there is a service named clickgate.
OF_SERVICES = re.compile(r"(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP))(_\w+)?")
# The least similarity at which a setting's name is suggested.
SIMILARITY = 0.5


def warn_of_unknown_settings() -> None:
    """Log a warning for each `CLICKGATE_` variable that is not a setting, and suggest the most similar one."""
    for name, meant in unknown_settings():
        logger.warning("%s is not a setting%s", name, f": did you mean {meant}?" if meant else "")


def unknown_settings() -> Iterator[tuple[str, str | None]]:
    """Yield each unknown `CLICKGATE_` variable with the most similar setting, if any."""
    known = [name.upper() for name in Settings.model_fields]
    for name in sorted(os.environ):
        own = name.upper().removeprefix(PREFIX)
        if name.upper() == own or own in known or own in OTHERS or OF_SERVICES.fullmatch(own):
            continue
        nearest = get_close_matches(own, known, n=1, cutoff=SIMILARITY)
        yield printable(name), PREFIX + nearest[0] if nearest else None


def check_texts() -> None:
    """Check that all arguments and settings are valid UTF-8. Raises `NotText`, which names the first that is not."""
    given = [(f"argument {number}", text) for number, text in enumerate(sys.argv[1:], 1)]
    given += [(name, value) for name, value in os.environ.items() if name.upper().startswith(PREFIX)]
    for name, value in given:
        if printable(value) != value:
            raise NotText(f"{printable(name)} is not valid UTF-8")


def printable(text: str) -> str:
    """Return a text in which bytes that are not valid UTF-8 are replaced with question marks, for output."""
    return text.encode(errors="replace").decode()
