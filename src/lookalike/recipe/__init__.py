"""What is asked for: a recipe as a frozen value, the same from YAML and from Python.

document --> load --> model          places of every value; all problems at once; the value
schema, pages                        what editors and `lookalike kinds` show, read from the classes
starter                              a recipe for a table that somebody has
"""
