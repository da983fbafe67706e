"""How good the statistics are: coverage of the intervals, errors of the tests, what racing saves.

    python -m simulation [--quick] > docs/statistics-figures.md

Every simulated figure of `docs/statistics.md` comes from here, with the seeds that are written here.
"""
