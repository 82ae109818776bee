"""The REST API: decodes a request, calls the domain, and encodes the response."""
