"""Techniques that act: a model takes steps with tools and sees what comes of them."""
