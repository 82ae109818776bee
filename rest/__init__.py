"""The thin REST face: decode a request, call a resolver, encode its answer."""
