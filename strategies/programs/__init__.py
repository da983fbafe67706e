"""Reasoning as a program, computed by an interpreter."""
