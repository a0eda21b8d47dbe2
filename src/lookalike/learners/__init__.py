"""Models inside other models: boosted trees that judge, thin and impute. They know arrays, no tables and no columns."""
