"""Rollups: sums of events by time and dimension, from which reports are answered."""
