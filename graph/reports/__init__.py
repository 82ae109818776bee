"""Click reports: requests and results, calendars, SQL, and reading."""
