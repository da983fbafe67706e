"""Code of the child processes: the server that is forked, its locks, and the runner of one program.

These processes import only this package and the standard library.
"""
