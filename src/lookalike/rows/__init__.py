"""What flows through the house: batches of rows, what their columns may use, the types of their cells, and SQL over them."""
