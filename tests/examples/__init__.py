"""Tests of the examples, each as a user runs it."""
