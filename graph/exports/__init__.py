"""Whole lists, read a page at a time: what an export has, how it is filtered, and how it is read to its end."""
