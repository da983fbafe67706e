"""The journal: the durable record of draws, in a file that several processes share."""

from reasoning.journal.journal import Journal

__all__ = ["Journal"]
