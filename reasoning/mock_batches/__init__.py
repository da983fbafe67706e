"""Providers of batches for tests, on loopback, in the forms of the APIs of four providers, with faults."""
