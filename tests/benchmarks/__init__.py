"""Measurements and trials by load: not part of the test suite, run by hand."""
