"""A hard question as several easier ones."""
