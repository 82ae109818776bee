"""Segments: columnar copies of clicks and of bookings, and questions answered from them."""
