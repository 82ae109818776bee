"""What tests share: gateways, databases, clients and data."""
