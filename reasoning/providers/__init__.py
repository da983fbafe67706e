"""Models: one interface, and what implements it."""
