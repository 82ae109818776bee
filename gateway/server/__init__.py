"""The HTTP server: listeners, connections, protocols, timeouts and worker processes, built on uvicorn."""
