"""Audits: recounts of the events against everything that is derived from them."""
