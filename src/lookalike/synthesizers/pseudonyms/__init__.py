"""pseudonyms."""
