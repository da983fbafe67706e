"""The faults of a mock provider of batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class BatchFaults:
    """The faults of a `MockBatchServer`. Shares are from 0 to 1, and are decided anew for each attempt of a line.

    Attributes:
        expire: the share of lines that expire.
        fail: the share of lines that fail with status 500.
        lose: the share of lines that are in no file of results.
        duplicate: the share of lines that are twice in the results.
        slow: the share of batches that take ten times as long.
        cold: the share of lines that find the provider's cache of prompts empty, since lines run at the same time.
        no_files: the first batches, in this number, expire as a whole, without any file.
        drop_answers: the first submissions, in this number, are accepted and not answered.
        drop_requests: the submissions after those, in this number, are neither accepted nor answered.
        down: the first looks at a batch, in this number, are answered with status 503.
        break_off: the first readings of results, in this number, break off in the middle.
        enqueue_limit: the tokens of prompts that may be enqueued; None for no limit.
        refuse: returns a message with which a line is refused with status 400, from its prompt; empty for none.
        seed: the seed of the shares.
    """

    expire: float = 0.0
    fail: float = 0.0
    lose: float = 0.0
    duplicate: float = 0.0
    slow: float = 0.0
    cold: float = 0.0
    no_files: int = 0
    drop_answers: int = 0
    drop_requests: int = 0
    down: int = 0
    break_off: int = 0
    enqueue_limit: int | None = None
    refuse: Callable[[str], str] = field(default=lambda prompt: "")
    seed: int = 0
