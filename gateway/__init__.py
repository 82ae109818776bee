"""The process and its edge: settings, application, command line, look-ups, health. Wires the other storeys."""
