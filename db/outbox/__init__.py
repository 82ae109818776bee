"""The outbox: a durable log of what each transaction recorded, and the consumers that work through it."""
