"""Distributing the database over the nodes of a cluster, with Citus, an extension of PostgreSQL."""
