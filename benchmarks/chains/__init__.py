"""What cases say of a chain: by step and end to end, which step to work on, and whether a new version is better."""
