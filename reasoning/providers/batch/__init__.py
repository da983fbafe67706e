"""Batches: requests that a provider answers within a day, for about half the price."""
