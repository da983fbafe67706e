"""Trees of partial solutions: what to try next, how promising it is, what to keep."""
