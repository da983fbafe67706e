"""Generator of docs/reference/techniques/ and docs/research/results.md from cards, real traces and measured results."""
