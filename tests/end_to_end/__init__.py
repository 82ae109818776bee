"""Tests of complete gateways under faults and load."""
