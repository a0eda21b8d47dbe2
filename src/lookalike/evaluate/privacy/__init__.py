"""Is it safe? Attacks on a release, run with the training data and a holdout that the synthesizer never saw.

    records      whole rows: codes, hashes, and whether the holdout is one
    space        tables -> exact codes and Gower matrices, shared by everything below
    neighbors    exact nearest neighbours in tiles, one compiled loop
    bounds       rates, their intervals, exact tests
    replay       rows, rare combinations and identifiers that came out again
    membership   was this person in the training data? five attacks, ROC at low false positive rates
    risks        singling out, linkability, attribute inference: the three risks of WP29 opinion 05/2014
    distance     DCR and NNDR: diagnostics, never proof
    alarm        would these attacks have seen a leak? they are run on one
    audit        canaries and a lower bound on epsilon, when the generator can be called
    metrics      the attacks as kinds of metric; identity (personal data), entities (names) and proof (alarm, audit) have the others

An attack counts only by how much better it does on members than on the holdout: what can be said of everybody in the
population is knowledge, not a leak.
"""
