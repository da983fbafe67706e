"""Readers of the logs of other tools; each gives a `SolveLog`."""
