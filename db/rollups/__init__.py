"""Rollups: sums of events by subject and time, from which reports are answered."""
