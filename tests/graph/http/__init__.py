"""Tests of GraphQL over HTTP and WebSockets."""
