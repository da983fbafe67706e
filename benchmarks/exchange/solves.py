"""The solves of another tool's log, in one form for all tools."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from reasoning.errors import InputError
from reasoning.messages import Message, Usage
from reasoning.text_safety import to_line

UNITS = ("calls", "tokens", "seconds")
"""The parts of usage that a tool may not record. Money has its own unknown value, None."""
_LONGEST_NAME = 120
_MOST_EPOCHS = 1_000_000
_LARGEST = 1e15
"""Numbers from here on are no usage of a solve, and their sums would be infinite."""


@dataclass(frozen=True)
class Solve:
    """One answer to one problem, as another tool recorded and scored it.

    Attributes:
        where: its place, such as "samples.jsonl:7", for errors.
        question: the text of the question.
        target: the right answer; several accepted ones as a list; None if the log has none.
        id: the problem's id in the log; None if problems have no ids.
        identity: what must be equal if two solves are of the same problem; by default the question.
        variant: what distinguishes it within its log, such as a prompt's name; empty for nothing.
        epoch: the repetition, from 0; None if the log does not number repetitions.
        options: the texts to choose from.
        messages: the turns of the last call.
        replies: the texts of the draws behind the answer, in order; empty if the model wrote none.
        answer: the answer as the tool read it; None if it does not say.
        unread: whether the tool says that it found no answer.
        score: the score, from 0 to 1; None if the solve failed.
        reason: why there is no score or no answer.
        truncated: the number of replies that a limit cut off.
        token_limit: that limit in tokens; 0 if it is unknown.
        refused: the number of replies that were declined.
        usage: what it used, as far as the tool records it.
        unrecorded: the members of `UNITS` that the tool does not record.
        family: the name that similar problems share; see `Example`.
    """

    where: str
    question: str
    target: Any
    id: str | None = None
    identity: str = ""
    variant: str = ""
    epoch: int | None = None
    options: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    replies: tuple[str, ...] = ()
    answer: str | None = None
    unread: bool = False
    score: float | None = None
    reason: str = ""
    truncated: int = 0
    token_limit: int = 0
    refused: int = 0
    usage: Usage = field(default_factory=Usage)
    unrecorded: tuple[str, ...] = UNITS
    family: str = ""

    @property
    def content(self) -> str:
        """The text that is equal for two solves of the same problem."""
        return self.identity or " ".join(self.question.split())


@dataclass(frozen=True)
class SolveLog:
    """The solves of one file.

    Attributes:
        path: the file.
        tool: the tool that wrote it, with its version if the file says it.
        task: the name of the task; empty if the file does not say.
        model: the name of the model; empty if the file does not say.
        scorer: the score that was read.
        solves: the solves, in order.
        notes: what limits the numbers, one sentence each.
        setup: what distinguishes the run besides its model, such as its solver.
        name: the name of its strategy, if this library has written the log; empty for another one.
        reads_answers: whether `answer` is what the tool extracted from each reply.
        knows_truncation: whether the tool records that a limit cut a reply off.
    """

    path: str
    tool: str
    task: str
    model: str
    scorer: str
    solves: Sequence[Solve]
    notes: Sequence[str] = ()
    setup: str = ""
    name: str = ""
    reads_answers: bool = False
    knows_truncation: bool = False


def to_name(value: Any, default: str = "") -> str:
    """Return a name from a log as one short line that is safe to print."""
    text = to_line(str(value)) if value not in (None, "") else default
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


def to_score(value: Any, where: str, scorer: str) -> float | None:
    """Return a score as a number; None without a score, for which tools also write NaN.

    Raises:
        InputError: the value is not a score from 0 to 1.
    """
    number = value
    if isinstance(value, str):
        word = value.strip().casefold()
        number = _WORDS.get(word, value)
        with suppress(ValueError):
            number = float(word) if isinstance(number, str) else number
    if number is None or (isinstance(number, float) and math.isnan(number)):
        return None
    if isinstance(number, bool | int | float) and 0 <= number <= 1:
        return float(number)
    raise InputError(
        f"{where}: the score {scorer!r} must be true or false, right or wrong, or a number from 0 to 1, "
        f"got {str(value)!r:.60}; name another one with --score"
    )


_WORDS: Mapping[str, float | None] = {
    "c": 1.0,
    "i": 0.0,
    "p": 0.5,
    "n": 0.0,
    "": None,
    **dict.fromkeys(("true", "yes", "right", "correct", "pass", "passed"), 1.0),
    **dict.fromkeys(("false", "no", "wrong", "incorrect", "fail", "failed"), 0.0),
    **dict.fromkeys(("nan", "none", "null"), None),
}
"""Scores in words. The letters are those of inspect_ai: correct, incorrect, partial, no answer."""


def to_epoch(value: Any, where: str) -> int:
    """Return the number of a repetition, from 0.

    Raises:
        InputError: the value is no such number.
    """
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = -1
    if not 0 <= number < _MOST_EPOCHS:
        wanted = f"a whole number from 0 to {_MOST_EPOCHS - 1:,}"
        raise InputError(f"{where}: the epoch must be {wanted}, got {value!r:.40}")
    return number


def to_count(value: Any) -> int:
    """Return a number of tokens or calls; 0 for anything else."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LARGEST else 0


def to_seconds(value: Any) -> float | None:
    """Return a duration or a cost; None for anything that is no number from 0, or too large."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < _LARGEST else None


def choose(wanted: str, known: Sequence[str], path: str, what: str) -> str:
    """Return the wanted score, or the first one.

    Raises:
        InputError: the log has no such score, or none at all.
    """
    if wanted in known or (not wanted and known):
        return wanted or known[0]
    if not known:
        raise InputError(f"{path}: nothing is scored: the log has no {what}")
    raise InputError(f"{path}: there is no {what} {wanted!r}; give one of these to --score: {', '.join(known)}")


Reader = Callable[[str, str], SolveLog]
"""Reads a file, given its path and the name of the score to read, which is empty for the default."""
