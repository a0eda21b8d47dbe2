"""The ground floor of what is computed: loops that are machine code.

native     one way to compile and to keep them: `kernel`, and `part` for what kernels call
keyed      random numbers of a key and a counter
ordering   sorting and searching
cache      where machine code is kept
blas       small linear algebra on one thread
"""
