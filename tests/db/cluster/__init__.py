"""Tests of what a Citus cluster needs, as far as plain PostgreSQL can show it."""
