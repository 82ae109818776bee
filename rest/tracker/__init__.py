"""The tracker script, its minifier, and the endpoint that serves it."""
