"""What a merchant asks while integrating: the self-test, the readiness of a program, and its status."""
