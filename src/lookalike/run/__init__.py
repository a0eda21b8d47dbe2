"""Do it: make what is missing of a run folder.

engine --> executors --> tables      which partitions; one table; the maker that fits it
stream | blocks                      record by record with model calls | whole partitions without
cells, journal                       one conversation; every reply written down before it counts
parts, manifest, folder, events      what lies on the disk, and who reads it
"""
