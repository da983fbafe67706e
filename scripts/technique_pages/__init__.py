"""The pages about the techniques, `docs/techniques/` and `docs/results.md`: cards, real traces, measured results."""
