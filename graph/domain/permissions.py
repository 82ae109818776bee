"""Who may change what; `graph.domain.scope` decides what may be seen.

What is out of scope cannot be changed, and is treated as if it did not exist.
"""

from graph.domain.context import Context
from graph.domain.errors import Forbidden, Unauthenticated, UnknownProgram
from graph.domain.scope import Viewer

# The viewer of commands run on the machine itself.
ADMINISTRATOR = Viewer("admin")
NO_RECORDER = "Invalid API token"


def viewer_of(context: Context) -> Viewer:
    """Return the viewer. Raises `Unauthenticated` for an anonymous caller."""
    if context.viewer is None:
        raise Unauthenticated
    return context.viewer


def check_administrator(context: Context) -> None:
    """Raise `Unauthenticated` or `Forbidden` unless the viewer is an administrator."""
    if viewer_of(context).role != "admin":
        raise Forbidden


def check_manager(context: Context) -> Viewer:
    """Return the viewer, an administrator or a program. Raises `Unauthenticated`, `Forbidden`."""
    viewer = viewer_of(context)
    if viewer.role not in ("admin", "program"):
        raise Forbidden
    return viewer


def check_manager_of(context: Context, program_id: int) -> Viewer:
    """Return the viewer, who may manage this program. Raises `Unauthenticated`, `Forbidden`, `UnknownProgram`."""
    viewer = check_manager(context)
    if viewer.role == "program" and viewer.program_id != program_id:
        raise UnknownProgram
    return viewer


def check_recorder(context: Context) -> int:
    """Return the id of the program that the viewer may record conversions for. Raises `Unauthenticated` for anonymous
    callers and for tokens of other roles."""
    viewer = context.viewer
    if viewer is None or viewer.role not in ("program", "tracking") or viewer.program_id is None:
        raise Unauthenticated(NO_RECORDER)
    return viewer.program_id


def check_program(context: Context) -> int:
    """Return the id of the program whose own token the viewer has. Raises `Unauthenticated` for anonymous callers and
    for tokens of other roles."""
    viewer = context.viewer
    if viewer is None or viewer.role != "program" or viewer.program_id is None:
        raise Unauthenticated(NO_RECORDER)
    return viewer.program_id
