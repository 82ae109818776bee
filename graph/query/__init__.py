"""The read engine behind GraphQL lists: plans of what to read, compiled to SQL."""
