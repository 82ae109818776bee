"""What a database backend provides, and what both backends share."""
