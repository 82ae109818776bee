"""Tests of whole gateways under faults and load."""
