"""How leads, sales and refunds are recorded, attributed and credited."""
