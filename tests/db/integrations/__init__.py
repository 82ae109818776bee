"""Tests of the self-test of an integration."""
