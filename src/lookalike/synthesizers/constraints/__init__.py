"""Rules that every sampled row keeps: rewritten into columns that cannot break them, or drawn again."""
