"""Tests of how documents are limited, priced and executed."""
