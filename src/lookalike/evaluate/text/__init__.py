"""Are the texts varied, in register, and their own? For columns of free text.

    embed       texts -> vectors; a seam: the default needs no model, any other embedder can be given
    words       tokens and n-gram hashes, computed once a text
    diversity   distinct n-grams, compression, Vendi score, coverage of the real topics
    shape       lengths, sentences, readability; language and script
    leftovers   refusals, boilerplate, chat markers, leaked prompts
    overlap     n-grams shared with the source or with benchmark files
    columns     what all metrics on texts share
    variety, register, copying   the kinds of metric

Near-duplicates are `lookalike.steps.minhash`, the same search that removes them.
"""
