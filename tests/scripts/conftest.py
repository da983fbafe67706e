"""Stores that a test writes down by letters, as for the reports."""

from tests.benchmarks.report.conftest import kept as kept
