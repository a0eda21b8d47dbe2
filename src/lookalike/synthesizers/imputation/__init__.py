"""Missing cells filled in, each from what the rest of its row says."""
