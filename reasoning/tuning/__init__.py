"""Tuning: the best prompts for a model, and small models for the steps of a chain."""
