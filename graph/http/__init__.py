"""GraphQL over HTTP and WebSockets, and what REST shares with it: reading bodies and identifying callers."""
