"""The commands, each imported only where it is run."""
