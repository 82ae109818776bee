"""How clicks and test clicks are recorded."""
