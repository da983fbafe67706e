"""Which draws may vote: by a predicate, by the number of steps, by whether a program ran."""

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
"""Whether a draw may vote."""

_STATEMENT = re.compile(
    r"\W*(?:(?:so|thus|hence|therefore),? )?(?:(?:the|my) (?:final )?answer is\b|(?:final )?answer:|final answer\b"
    r"|\\boxed\b)|####|\W*$",
    re.IGNORECASE,
)
"""A line that states the answer, or holds no word."""

_SENTENCE_ENDS = (". ", "! ", "? ", "; ")


def count_steps(text: str) -> int:
    """The number of reasoning steps in a chain: its distinct lines, without headings and the statement of the answer.

    A chain that is one line counts its sentences. A line that is repeated counts once, so that a model which goes in
    circles is not taken for a thorough one. Source: Fu et al. 2022, arXiv 2210.00720 (§3: steps are lines); the
    rules for headings, answers and repetitions are ours.
    """
    lines = dict.fromkeys(line.strip().strip("*") for line in text.splitlines())
    counted = [line for line in lines if not line.startswith(("# ", "##")) and not _STATEMENT.match(line)]
    if len(counted) != 1:
        return len(counted)
    return 1 + sum(counted[0].count(end) for end in _SENTENCE_ENDS)


def apply_filters(
    draws: Sequence[VoteSample], keep: Keep | None = None, most_complex: int | None = None
) -> list[VoteSample]:
    """The draws, each marked as kept or not.

    Args:
        draws: in draw order.
        keep: asked for each draw that has a value.
        most_complex: keep only so many, those with the most steps (see `steps`), of equals the earlier ones. Draws that
            have no value, or were cut off, take no place among them. Source: complexity-based consistency, Fu et al.
            2022, arXiv 2210.00720 (§3: a vote among the top K of N chains).
    """
    marked = list(draws)
    if keep is not None:
        marked = [replace(draw, kept=False) if draw.counts and not keep(draw) else draw for draw in draws]
    if most_complex is None:
        return marked
    ranked = [at for at, draw in enumerate(marked) if draw.counts and not draw.truncated]
    chosen = set(sorted(ranked, key=lambda at: -count_steps(marked[at].text))[:most_complex])
    return [draw if at in chosen else replace(draw, kept=False) for at, draw in enumerate(marked)]


async def runs_without_error(draws: Sequence[VoteSample], interpreter: Interpreter) -> list[VoteSample]:
    """The draws, each kept if its text holds a program that runs without an error.

    The programs run in the interpreter, side by side, never in this process.
    """

    async def runs(draw: VoteSample) -> bool:
        code = extract_code(draw.text) if draw.counts else None
        return code is not None and (await interpreter.arun(code)).error is None

    ran = await asyncio.gather(*(runs(draw) for draw in draws))
    return [replace(draw, kept=draw.kept and fine) for draw, fine in zip(draws, ran, strict=True)]
