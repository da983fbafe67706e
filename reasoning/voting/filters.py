"""Filters that decide which samples may vote: a predicate, the number of steps, a program that runs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reasoning.sandbox.code_extraction import extract_code
from reasoning.voting.sample import VoteSample

if TYPE_CHECKING:
    from reasoning.sandbox.interpreter import Interpreter

Keep = Callable[[VoteSample], bool]
"""A predicate that returns whether a sample may vote."""

_STATEMENT = re.compile(
    r"\W*(?:(?:so|thus|hence|therefore),? )?(?:(?:the|my) (?:final )?answer is\b|(?:final )?answer:|final answer\b"
    r"|\\boxed\b)|####|\W*$",
    re.IGNORECASE,
)
"""A line that states the answer, or has no word."""
_HEADING = re.compile(
    r"#{1,6}\s|[*_]{1,3}[^*_]{1,80}(?:[*_]{1,3}:|:[*_]{1,3})\s*$|[*_]{0,3}(?:step|part) \d{1,3}[:.)]?[*_]{0,3}:?\s*$"
    r"|```",
    re.IGNORECASE,
)
"""A line that only names the step below it, or opens a block: "### Step 1", "**Step 1:**", "**The eggs:**"."""

_SENTENCE_ENDS = (". ", "! ", "? ", "; ")


def states_answer(line: str) -> bool:
    """Return whether a line of a chain only states the answer, or has no word."""
    return _STATEMENT.match(line) is not None


def count_steps(text: str) -> int:
    r"""Count the reasoning steps of a chain: its distinct lines, except headings and the stated answer.

    In a chain of one line, sentences are counted. A repeated line counts once, so that a chain that
    repeats itself does not seem thorough. The rules for headings, answers and repetitions are ours.

    Source: Fu et al. 2022, arXiv 2210.00720, §3 (steps are lines).

    Examples:
        >>> count_steps("3 pens cost 4.50.\nOne costs 1.50.\nThe answer is 1.5.")
        2
    """
    stripped = (line.strip() for line in text.splitlines())
    lines = dict.fromkeys(line.strip("*") for line in stripped if not _HEADING.match(line))
    steps = [line for line in lines if not states_answer(line)]
    if len(steps) != 1:
        return len(steps)
    return 1 + sum(steps[0].count(end) for end in _SENTENCE_ENDS)


def apply_filters(
    samples: Sequence[VoteSample], keep: Keep | None = None, most_complex: int | None = None
) -> list[VoteSample]:
    """Mark each sample as kept or not.

    Args:
        samples: the samples, in draw order.
        keep: a predicate, called for each sample that has a value.
        most_complex: the number of samples to keep, those with the most steps (see `count_steps`).
            Among samples with equally many steps, earlier ones are preferred. Samples without a
            value and truncated samples are excluded. Source: complexity-based consistency, Fu et
            al. 2022, arXiv 2210.00720, §3 (a vote among the top K of N chains).

    Returns:
        The samples in the same order, with `kept` set.
    """
    marked = list(samples)
    if keep is not None:
        marked = [replace(sample, kept=False) if sample.counts and not keep(sample) else sample for sample in samples]
    if most_complex is None:
        return marked
    ranked = [index for index, sample in enumerate(marked) if sample.counts and not sample.truncated]
    chosen = set(sorted(ranked, key=lambda index: -count_steps(marked[index].text))[:most_complex])
    return [sample if index in chosen else replace(sample, kept=False) for index, sample in enumerate(marked)]


async def runs_without_error(samples: Sequence[VoteSample], interpreter: Interpreter) -> list[VoteSample]:
    """Keep the samples whose text contains a program that runs without an error.

    The programs run concurrently in the interpreter, never in this process.
    """

    async def runs(sample: VoteSample) -> bool:
        code = extract_code(sample.text) if sample.counts else None
        return code is not None and (await interpreter.arun(code)).error is None

    succeeded = await asyncio.gather(*(runs(sample) for sample in samples))
    return [replace(sample, kept=sample.kept and success) for sample, success in zip(samples, succeeded, strict=True)]
