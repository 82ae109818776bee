"""The process and its edge: settings, application, command line, server, lookups and pages. It wires the layers."""
