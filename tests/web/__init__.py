"""Tests of pages and the tracker in a real browser."""
