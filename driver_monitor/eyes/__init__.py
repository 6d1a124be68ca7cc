"""Face to eye opening, closure and the turn of the irises."""
