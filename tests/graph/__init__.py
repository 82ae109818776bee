"""Tests of the domain, the read engine and GraphQL."""
