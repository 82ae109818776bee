"""Tests of the process, the server and the command line."""
