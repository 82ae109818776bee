"""The self-test of an integration: a click, a lead, a sale and a refund that are recorded and rolled back."""
