"""The partitions of clicks on PostgreSQL, one for each month."""
