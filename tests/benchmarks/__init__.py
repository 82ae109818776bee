"""Benchmarks and load tests, which are run by hand and are not part of the test suite."""
