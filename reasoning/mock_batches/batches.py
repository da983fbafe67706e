"""The batches of a mock provider: lines, their outcomes and replies, independent of the form of an API.

What is sampled depends on the request and on the draw that the id of a line names, so that a run finds the same however
its draws come.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reasoning.mock_batches.faults import BatchFaults

Reply = Callable[[str, int], str]
"""A reply, from the text of a prompt and the index of the draw."""
BYTES_PER_TOKEN = 4


def sum_modulo_four(prompt: str, draw: int) -> str:
    """Return a reply with a number from 0 to 3 that depends on the prompt and the draw."""
    digest = hashlib.sha256(f"{draw} {prompt}".encode()).digest()
    return f"Draw {draw}. The answer is {digest[0] % 4}."


@dataclass
class Line:
    """A line of a batch.

    Attributes:
        custom_id: its id.
        body: its request.
        prompt: the texts of all turns.
        n: the number of completions that it asks for.
        outcome: "succeeded", "duplicate", "failed", "expired", "lost" or "cancelled"; empty while it is processed.
    """

    custom_id: str
    body: Mapping[str, Any]
    prompt: str
    n: int = 1
    outcome: str = ""

    @property
    def is_done(self) -> bool:
        """True if it has a reply."""
        return self.outcome in ("succeeded", "duplicate")

    @property
    def tokens(self) -> int:
        """The tokens of its prompt."""
        return len(self.prompt) // BYTES_PER_TOKEN


@dataclass
class Batch:
    """A batch.

    Attributes:
        id: its id.
        lines: its lines.
        label: the label by which its list knows it.
        created, ends: when it was accepted and when it ends, in seconds since 1970.
        state: "in_progress", "ended", "cancelled", "no files" or "failed".
        errors: why it failed.
    """

    id: str
    lines: list[Line]
    label: Mapping[str, str]
    created: float
    ends: float
    state: str = "in_progress"
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """The tokens of all prompts."""
        return sum(line.tokens for line in self.lines)

    def counts(self) -> Counter[str]:
        """Return the number of lines by outcome, "processing" without one."""
        return Counter(line.outcome or "processing" for line in self.lines)


class MockBatches:
    """The batches that a mock provider has accepted.

    Args:
        reply: the replies.
        seconds: the time that a batch takes.
        faults: the faults.

    Attributes:
        paid: how often each draw was processed and delivered, by the part of a line's id without the attempt.
        submitted: the ids of the lines of each batch that was accepted.
        tokens: the tokens that were charged, by the names of Anthropic's usage, where the form counts them.
    """

    def __init__(self, reply: Reply, seconds: float, faults: BatchFaults) -> None:
        self.reply, self.seconds, self.faults = reply, seconds, faults
        self.paid: Counter[str] = Counter()
        self.submitted: list[list[str]] = []
        self.tokens: Counter[str] = Counter()
        self.by_id: dict[str, Batch] = {}

    def newest_first(self) -> list[Batch]:
        """Return all batches."""
        return list(reversed(self.by_id.values()))

    def is_over_limit(self, batch: Batch) -> bool:
        """Return whether more tokens would be enqueued with a batch than the faults permit."""
        enqueued = sum(one.tokens for one in self.by_id.values() if self.state(one) == "in_progress")
        return self.faults.enqueue_limit is not None and enqueued + batch.tokens > self.faults.enqueue_limit

    def make(self, lines: list[Line], label: Mapping[str, str]) -> Batch:
        """Return a new batch that is not accepted yet."""
        number, now = len(self.by_id), time.time()
        is_slow = random.Random(f"{self.faults.seed} slow {number}").random() < self.faults.slow
        seconds = self.seconds * (10 if is_slow else 1)
        return Batch(f"batch_{number}", lines, label, now, now + seconds)

    def accept(self, batch: Batch) -> None:
        """Accept a batch."""
        self.submitted.append([line.custom_id for line in batch.lines])
        if self.faults.no_files > 0:
            self.faults.no_files -= 1
            batch.state = "no files"
        self.by_id[batch.id] = batch

    def state(self, batch: Batch) -> str:
        """Return the state of a batch at this time."""
        if batch.state == "in_progress" and time.time() >= batch.ends:
            batch.state = "ended"
        return batch.state

    def process(self, batch: Batch) -> None:
        """Decide the outcomes of the lines of a batch that has ended."""
        state, faults = self.state(batch), self.faults
        if state in ("in_progress", "failed"):
            return
        for line in batch.lines:
            if line.outcome:
                continue
            left = random.Random(f"{faults.seed} {line.custom_id}").random()
            line.outcome = "succeeded"
            for outcome in ("expire", "fail", "lose", "duplicate"):
                left -= getattr(faults, outcome)
                if left < 0:
                    line.outcome = {"expire": "expired", "fail": "failed", "lose": "lost"}.get(outcome, outcome)
                    break
            if faults.refuse(line.prompt):
                line.outcome = "failed"
            if state in ("no files", "cancelled"):
                line.outcome = "expired" if state == "no files" else "cancelled"
            if line.is_done:
                self.paid[line.custom_id.rpartition("-")[0]] += 1

    def texts(self, line: Line) -> Sequence[str]:
        """Return the replies of a line."""
        draw = int(line.custom_id.rsplit("-", 2)[1].partition("x")[0])
        return [self.reply(line.prompt, draw + place) for place in range(line.n)]


def content_text(content: Any) -> str:
    """Return the text of the content of a turn, which is a text or a list of parts."""
    parts = [content] if isinstance(content, str) else [part.get("text", "") for part in content or ()]
    return "".join(parts)
