"""Alembic's environment and the migrations, in a package so that an installed gateway includes them."""
