"""What the answer is drawn from: which parts of a text count, and what is known beside it."""
