"""Simulations of the statistics: coverage of the intervals, error rates of the tests, savings of racing.

Run them from the root of the checkout:

    PYTHONPATH=scripts .venv/bin/python -m simulation [--quick] > docs/research/statistics-figures.md

They produce every simulated figure of `docs/explanation/statistics.md`, with the seeds in this code.
"""
