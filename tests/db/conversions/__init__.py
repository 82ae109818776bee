"""Tests of how leads, sales and refunds are recorded, attributed and credited."""
