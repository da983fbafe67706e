"""Providers: the clients of models, behind one interface."""
