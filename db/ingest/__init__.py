"""The ingest path: the click writer, its batches, and what a running writer tells other gateways."""
