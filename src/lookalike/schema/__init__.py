"""What data is: semantic types, keys and relations, dates, identifiers, personal data, rules; worked out, each with its reason.

types       the words: columns, tables, keys
semantics/  one class a type: reads, codes, decodes, compares, prints
infer       which type a column has; `texts`, `patterns`, `dates`, `durations`, `scales`, `pii`, `quotes` look closer
keys, relations, rules, identities   what holds between columns and between tables
"""
