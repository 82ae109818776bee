"""Alembic's environment and the revisions, as a package, so that an installed gateway carries them."""
