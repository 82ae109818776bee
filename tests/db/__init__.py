"""Tests of storage, on real databases."""
