"""Does it look like the real data? One metric a file: columns, pairs, triples, subgroups, rules, tails, and a judge over all."""
