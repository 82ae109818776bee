"""What click reports are made of: what is asked and answered, the calendar of the buckets, the statements."""
