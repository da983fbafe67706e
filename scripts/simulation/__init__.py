"""Simulations of the statistics: coverage of the intervals, error rates of the tests, savings of racing.

Run it from the root of the checkout:

    PYTHONPATH=scripts .venv/bin/python -m simulation [--quick] > docs/research/statistics-figures.md

Every simulated figure of `docs/explanation/statistics.md` comes from here, with the seeds in this code.
"""
