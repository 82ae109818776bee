"""In-memory lookups kept fresh across processes: links, programs and tokens."""
