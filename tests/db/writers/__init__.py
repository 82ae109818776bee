"""Tests of writers that are registered on PostgreSQL."""
