"""Techniques that select or add knowledge: relevant parts of a text, definitions, guidelines."""
