"""Replies that repeat themselves until their limit cuts them off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from reasoning.messages import Completion

MIN_TIMES = 4
"""The least number of repetitions. Drafts of code and lists of steps repeat a stretch three times."""
MIN_CHARS = 200
"""The least number of characters of all repetitions together. A row of dashes or a padded cell is shorter."""
MIN_NUMBERED_CHARS = 400
"""The least number of characters of repetitions with running numbers. Tables of a formula are ordinary."""
_WINDOW = 20_000
"""The characters at the end of a reply that are looked at."""
_MAX_LINES = 12
"""The most lines of a stretch with running numbers."""
_NUMBER = re.compile(r"\d{1,15}")


class Repetition(NamedTuple):
    """The repetition at the end of a text.

    Attributes:
        times: how often the stretch is there; the last time may be incomplete.
        chars: the characters of all repetitions together.
    """

    times: int
    chars: int


def repeats_itself(reply: Completion) -> bool:
    """Return whether a limit cut a reply off that ends in repetitions of one stretch of text.

    Of a reply that was cut off within its reasoning, the reasoning counts.
    """
    return reply.truncated and find_repetition(reply.text or reply.reasoning) is not None


def find_repetition(text: str) -> Repetition | None:
    """Return the repetition at the end of a text: of a stretch, or of lines with running numbers; None without one.

    The time grows linearly with the text.

    Examples:
        >>> find_repetition("So: " + "heads, tails, " * 50)
        Repetition(times=50, chars=700)
        >>> find_repetition("".join(f"Step {i}: flip the coin again.\\n" for i in range(1, 20)))
        Repetition(times=18, chars=531)
        >>> find_repetition("".join(f"| {i} | {i * i} |\\n" for i in range(60)))
    """
    end = text[-_WINDOW:].rstrip()
    return _find_exact(end) or _find_numbered(end)


def _find_exact(text: str) -> Repetition | None:
    """Return the repetition of the shortest stretch that is repeated often enough."""
    for length, shared in enumerate(_common_prefixes(text[::-1])):
        if length and (length + shared) // length >= MIN_TIMES and length + shared >= MIN_CHARS:
            return Repetition((length + shared) // length, length + shared)
    return None


def _common_prefixes(text: str) -> list[int]:
    """Return for each place the length of the longest common prefix of the text and its rest (the Z-function).

    Source: Gusfield 1997, Algorithms on Strings, Trees and Sequences, section 1.4.
    """
    lengths, left, right = [0] * len(text), 0, 0
    for place in range(1, len(text)):
        length = min(right - place, lengths[place - left]) if place < right else 0
        while place + length < len(text) and text[length] == text[place + length]:
            length += 1
        lengths[place] = length
        if place + length > right:
            left, right = place, place + length
    return lengths


def _find_numbered(text: str) -> Repetition | None:
    """Return the repetition of one to twelve lines whose numbers stay, or grow by the same step each time."""
    # The last line is cut off.
    lines = text.split("\n")[:-1]
    shapes = [_NUMBER.sub("#", line) for line in lines]
    numbers = [[int(one) for one in _NUMBER.findall(line)] for line in lines]
    for length in range(1, min(_MAX_LINES, len(lines) // MIN_TIMES) + 1):
        count = _count_running(shapes, numbers, length)
        chars = sum(len(line) + 1 for line in lines[len(lines) - count :])
        if count // length >= MIN_TIMES and chars >= MIN_NUMBERED_CHARS:
            return Repetition(count // length, chars)
    return None


def _count_running(shapes: Sequence[str], numbers: Sequence[Sequence[int]], length: int) -> int:
    """Return the number of lines at the end that repeat the lines `length` before them, with numbers that run."""
    count, steps = length, dict[int, list[int]]()
    for place in range(len(shapes) - 1, length - 1, -1):
        if shapes[place] != shapes[place - length]:
            break
        step = [later - earlier for later, earlier in zip(numbers[place], numbers[place - length], strict=True)]
        if steps.setdefault(place % length, step) != step:
            break
        count += 1
    return count
