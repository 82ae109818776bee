"""GraphQL on the wire: over HTTP and over sockets, what every operation passes before and after it is executed."""
