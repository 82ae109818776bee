"""Shared code of the tests: gateways, databases, clients and data."""
