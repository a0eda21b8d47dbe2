"""Methods beside the forest, one a file: each learns the numbers and codes that `tabular` hands it."""
