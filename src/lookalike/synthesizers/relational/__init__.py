"""Several related tables learned together.

Read in this order:

    graph       which parent a table's rows are made for, which are matched, which are filled at the end
    families    what a parent's row says of its children: how many, and what they are like
    matching    choosing rows of the other parents
    across      rules between tables: totals, copies, dates in order
    model       Relational: fit and sample
"""
