"""The command `clickgate`; each command's module is imported only when it runs."""
