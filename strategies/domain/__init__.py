"""Techniques and bundled chains for one domain, as examples to start from."""
