"""Reading for the API: what can be read, how a selection becomes one statement, and finished values from its rows."""
