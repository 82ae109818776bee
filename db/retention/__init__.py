"""Dropping the clicks of old months."""
