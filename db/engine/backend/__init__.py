"""The interface of a database backend, and what both backends share."""
