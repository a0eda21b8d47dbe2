"""The forest: columns one after another, each drawn from the leaves of trees on the columns before it.

learn        columns to bins, sketches, order, determined columns
grow         trees, a few for each column, in threads
draw         rows in blocks: trees, then thinning
thin         the discriminator, marginals, copies
conditions   rows that hold a condition; filling in
kernels, splits, thinning   compiled loops
model        `Forest`: what a user calls
"""
