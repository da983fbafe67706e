"""Chains for a field of work, as examples to start from."""
