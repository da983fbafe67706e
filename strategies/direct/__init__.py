"""Answering without reasoning: the baseline."""
