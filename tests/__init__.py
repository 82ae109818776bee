"""The tests, which run on real databases and real servers, through the interfaces that users have."""
