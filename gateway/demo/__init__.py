"""The demo: sample data of a small shop, the shop itself, and tokens for the dashboard."""
