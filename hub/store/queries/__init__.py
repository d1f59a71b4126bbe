"""Reading, a module per noun. Each function takes a connection (a read's, or a transaction's) and returns values."""
