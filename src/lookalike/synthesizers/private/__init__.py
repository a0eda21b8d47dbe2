"""Methods under (epsilon, delta): noisy marginals (`mst`, `aim`), noisy gradients (`sgd`), one ledger for both."""
