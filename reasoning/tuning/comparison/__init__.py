"""Models at one step of a chain, compared: whether a smaller one replaces another, and what it saves."""
