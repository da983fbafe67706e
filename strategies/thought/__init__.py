"""Reasoning written out before the answer."""
