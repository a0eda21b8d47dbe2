"""Is it of use? Models that learn from the synthetic rows, alone (`tstr`) or beside real ones (`augmentation_lift`), on real tests."""
