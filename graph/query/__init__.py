"""The read engine behind GraphQL lists: what a selection asks for, as one SQL statement."""
