"""Exchange with other tools: their logs become results folders, and results folders become their files."""
