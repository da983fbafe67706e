"""Training examples of a chain's step or of a strategy: labelled by a teacher, filtered, counted."""
