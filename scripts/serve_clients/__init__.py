"""Tests of `reasoning serve` with clients that other people wrote; see `__main__`."""
