"""The HTTP server: sockets, connections, protocols, timeouts and processes."""
