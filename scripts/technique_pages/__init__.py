"""Generator of docs/techniques/ and docs/results.md from cards, real traces and measured results."""
