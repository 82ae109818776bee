"""The backfill: fields that are derived from others, filled in for clicks from before there were such fields."""
