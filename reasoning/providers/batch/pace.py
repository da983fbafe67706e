"""The times of a batch client."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BatchPace:
    """The times of a batch client, in seconds.

    Attributes:
        quiet: the time without a new request after which a wave leaves.
        first_poll, longest_poll: the time between two looks at a batch, at first and at most.
        grace: the time after a lost answer before the provider's list is believed that a batch did not arrive.
        longest_retry: the longest wait before a refused submission is tried again.
    """

    quiet: float = 10.0
    first_poll: float = 1.0
    longest_poll: float = 30.0
    grace: float = 20.0
    longest_retry: float = 60.0
