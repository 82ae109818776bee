"""SQL shared by everything that reads or writes: functions, top-n-per-group, and statements compiled once."""
