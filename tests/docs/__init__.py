"""The documentation: its links, what it lists, and the examples on its pages."""
