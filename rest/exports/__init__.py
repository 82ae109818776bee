"""The endpoints that download whole lists as CSV or as JSON lines."""
