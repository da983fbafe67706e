"""Techniques that answer questions about a table: with programs, with parts of it, and by changing it."""
