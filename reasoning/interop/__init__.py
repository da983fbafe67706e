"""Strategies inside other frameworks, whose model is then the client. Each needs its framework installed."""
