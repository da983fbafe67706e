"""Techniques whose demonstrations a model has written."""
