"""The answer to the question whether to use tuned prompts, and the reasons in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from reasoning.benchmarks.analysis.formatting import p_phrase
from reasoning.benchmarks.analysis.paired import MIN_CASES, PairedDifference
from reasoning.errors import ReasoningError
from reasoning.tables import pluralize
from reasoning.tuning.prompts.final_test import ORIGINAL_ARM, PLAIN_ARM, TUNED_ARM, FinalTest, describe_lost

Decision = Literal["use the tuned prompts", "keep your prompts", "use the plain alternative", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """The verdict of a search.

    Tuned prompts are used if they are significantly better than the original, and the plainest use of as many tokens
    is not significantly better than they are. A difference that a limit, a refusal or a failure could have made is
    withheld, and decides nothing.

    Attributes:
        test: the final test; None if there was none.
        stopped: the error that ended the run early, if any.
        candidates: the number of candidates that were raced.
        is_exhausted: whether the budget ended the search.
    """

    test: FinalTest | None
    stopped: ReasoningError | None
    candidates: int
    is_exhausted: bool = False

    @cached_property
    def decision(self) -> Decision:
        """The answer in words."""
        if self.test is None:
            is_cut = self.stopped is not None or (self.is_exhausted and not self.candidates)
            return "undecided" if is_cut else "keep your prompts"
        gain = self._difference(TUNED_ARM, ORIGINAL_ARM)
        if self.stopped is not None or self.test.stopped is not None or gain is None:
            return "undecided"
        if _is_better(self._difference(PLAIN_ARM, TUNED_ARM)):
            return "use the plain alternative"
        if _is_better(gain):
            return "use the tuned prompts"
        if _is_better(self._difference(PLAIN_ARM, ORIGINAL_ARM)):
            return "use the plain alternative"
        return "undecided" if gain.is_withheld else "keep your prompts"

    def text(self) -> str:
        """Return the decision with its reasons."""
        sentences = [f"{self.decision}.", *self._reasons()]
        return " ".join(f"{sentence[0].upper()}{sentence[1:]}" for sentence in sentences)

    def _reasons(self) -> Iterator[str]:
        if self.test is None:
            if self.stopped is not None:
                yield f"the run was stopped before the final test: {self.stopped}."
            elif self.candidates:
                yield f"none of {pluralize(self.candidates, 'candidate')} was better on the selection pool."
            elif self.is_exhausted:
                yield "the budget ended the search before a candidate was raced."
            else:
                yield "the method had no candidate to race; the log says why."
            return
        gain = self._difference(TUNED_ARM, ORIGINAL_ARM)
        if self.stopped is not None or gain is None:
            done = min((arm.n for arm in self.test.arms), default=0)
            yield f"the final test was stopped after {done} of {self.test.size} examples: {self.stopped}."
            return
        yield _compared(gain, "the original")
        plain = self._difference(TUNED_ARM, PLAIN_ARM)
        if plain is None:
            yield "No plainer use of as many tokens was compared."
        else:
            tuned_arm, plain_arm = self.test.arm(TUNED_ARM), self.test.arm(PLAIN_ARM)
            assert tuned_arm is not None
            assert plain_arm is not None
            yield _compared(plain, f"the plain alternative ({plain_arm.about})")
            yield (
                f"A solve takes {tuned_arm.tokens:,.0f} tokens with the tuned prompts, and {plain_arm.tokens:,.0f} "
                "with the alternative."
            )
        if (looks := self.test.looks) > 1:
            yield f"{looks} candidates were tested on these examples, so the p-values are multiplied by {looks}."
        if lost := describe_lost(self.test):
            yield f"Not all answers are complete: {lost}."

    def _difference(self, first: str, second: str) -> PairedDifference | None:
        return self.test.difference(first, second) if self.test is not None else None


def _is_better(pair: PairedDifference | None) -> bool:
    return pair is not None and pair.is_significant and pair.difference.value > 0


def _compared(pair: PairedDifference, other: str) -> str:
    low, high = round(100 * pair.difference.low), round(100 * pair.difference.high)
    # Adding 0.0 removes the sign of a negative zero.
    points = round(100 * pair.difference.value, 1) + 0.0
    numbers = f"{points:+.1f} points, 95 % {low:+d} to {high:+d}, {p_phrase(pair.p_adjusted)}"
    if pair.is_withheld:
        return (
            f"whether the tuned prompts differ from {other} is withheld ({numbers}): answers that a limit, a refusal "
            "or a failure cost could have made the difference."
        )
    if pair.is_significant:
        word = "better" if pair.difference.value > 0 else "worse"
        return f"the tuned prompts are significantly {word} than {other} ({numbers})."
    few = f"; {pair.n} examples are too few, at least {MIN_CASES} are needed" if pair.n < MIN_CASES else ""
    return f"the tuned prompts are not significantly different from {other} ({numbers}{few})."
