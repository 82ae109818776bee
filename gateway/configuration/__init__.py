"""What the operator configures, and the errors that the process reports to them."""
