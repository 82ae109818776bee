"""Who may change what. What may be seen is `graph.domain.scope`'s; what is out of sight cannot be changed, and looks
the same as what does not exist."""

from graph.domain.context import Context
from graph.domain.errors import Forbidden, Unauthenticated, UnknownProgram
from graph.domain.scope import Viewer

# Who runs commands on the machine itself.
ADMINISTRATOR = Viewer("admin")


def viewer_of(context: Context) -> Viewer:
    """Return who asks. Raises `Unauthenticated` where nobody said so."""
    if context.viewer is None:
        raise Unauthenticated
    return context.viewer


def check_administrator(context: Context) -> None:
    """Raise `Unauthenticated` or `Forbidden` unless an administrator asks."""
    if viewer_of(context).role != "admin":
        raise Forbidden


def check_manager(context: Context) -> Viewer:
    """Return who asks: an administrator, or a program's owner. Raises `Unauthenticated`, `Forbidden`."""
    viewer = viewer_of(context)
    if viewer.role == "partner":
        raise Forbidden
    return viewer


def check_manager_of(context: Context, program_id: int) -> Viewer:
    """Return who asks, who may run this program. Raises `Unauthenticated`, `Forbidden`, `UnknownProgram`."""
    viewer = check_manager(context)
    if viewer.role == "program" and viewer.program_id != program_id:
        raise UnknownProgram
    return viewer
