"""The tracker script and how it is served."""
