"""For whoever tests: contract suites of kinds, a model server that misbehaves, `assert_dataset` for datasets."""
