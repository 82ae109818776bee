"""The tests: behaviour on real databases and a real server, through the faces that users have."""
