"""In-memory caches of links, programs and tokens, which every process keeps up to date."""
