"""SQL building blocks for reading and writing: functions, top-n-per-group, and precompiled queries and statements."""
