"""Solves that are right for the tool that made a log, and wrong for our kinds, or the reverse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reasoning.benchmarks.exchange.solves import Solve
from reasoning.benchmarks.results.result import Result
from reasoning.problem import Example
from reasoning.tables import Table

_LONGEST_END = 200


@dataclass(frozen=True)
class Disagreement:
    """One solve with two scores.

    Attributes:
        problem, strategy: the problem and the strategy.
        repetition: the repetition, from 1.
        target: the right answer.
        read: the answer that the tool read, or empty if it does not say.
        was_right: whether the tool calls it right.
        value: the answer that our kind reads; empty without one.
        rule: the rule that read it, or the reason for having no answer.
        reply: the end of the last reply.
    """

    problem: str
    strategy: str
    repetition: int
    target: str
    read: str
    was_right: bool
    value: str
    rule: str
    reply: str

    @classmethod
    def of(cls, solve: Solve, before: Result, now: Result, example: Example) -> Disagreement:
        """Return the disagreement of two results of one solve."""
        end = solve.replies[-1].strip()
        return cls(
            before.problem,
            before.strategy,
            before.epoch + 1,
            str(example.target),
            solve.answer or "",
            bool(before.correct),
            now.value or "",
            now.rule or now.reason,
            end if len(end) <= _LONGEST_END else f"…{end[-_LONGEST_END:]}",
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**self.__dict__, "is_right": not self.was_right}


def to_table(disagreements: Sequence[Disagreement], most: int | None = None) -> Table:
    """Return the disagreements as a table; in a file with the ends of the replies.

    Args:
        disagreements: the disagreements.
        most: the largest number to list, for a terminal; None lists all, with the replies.
    """
    header = ("problem", "strategy", "target", "the tool read", "its score", "we read", "our score", "by")
    rows = []
    for one in disagreements[:most]:
        cells = [one.problem, one.strategy, one.target, one.read, *_marks(one), one.rule]
        cells.insert(5, one.value)
        rows.append(cells if most is not None else [*cells, str(one.repetition), one.reply])
    full = (*header, "repetition", "end of the reply")
    return Table(header if most is not None else full, rows, text_columns=len(full))


def _marks(one: Disagreement) -> tuple[str, str]:
    return ("right", "wrong") if one.was_right else ("wrong", "right")
