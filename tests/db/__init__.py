"""Tests of the storage layer, on real databases."""
