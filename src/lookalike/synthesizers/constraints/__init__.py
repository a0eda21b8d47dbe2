"""Constraints: what every sampled row must hold, for any method.

constraint    the kinds of them, each with what holds it and what repairs it
rewrites      a table rewritten so that rows cannot break them, and back
constrained   `Constrained`: a method under constraints
cells         typed cells: added up, compared, put together
"""
