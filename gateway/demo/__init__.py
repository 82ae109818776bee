"""The demonstration: data that looks like a small shop's, the shop itself, and tokens to look at both."""
