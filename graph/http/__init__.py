"""GraphQL over HTTP and WebSocket, and what REST shares with it: bodies and callers."""
