"""The names of the published revisions of the schema.

They come from the files' names, so that comparing a database's revision with them does not import Alembic.
"""

from pathlib import Path

REVISIONS = sorted(file.name.partition("_")[0] for file in (Path(__file__).parent / "versions").glob("[0-9]*_*.py"))
"""Oldest first."""
