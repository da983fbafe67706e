"""The uncertainty of a model about the questions of a pool, measured on several samples of each (Diao et al. 2023)."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import variance
from typing import Any, Literal

from reasoning.answer import Failed
from reasoning.branches import gather
from reasoning.errors import UsageError
from reasoning.kinds import Choice, Kind, Number, YesNo
from reasoning.kinds.label import Label
from reasoning.problem import Example, Problem
from reasoning.session import Session
from reasoning.strategies.sampling.paraphrase_matching import parse_numbers
from reasoning.strategies.sampling.sampling import draw_samples
from reasoning.strategy import Strategy
from reasoning.voting import VoteSample

Measure = Literal["disagreement", "entropy", "variance"]


@dataclass(frozen=True)
class SampledQuestion:
    """A question of a pool with the answers that a model gave to it.

    Attributes:
        example: the question.
        samples: the samples whose calls succeeded, in draw order.
        uncertainty: the measured uncertainty.
    """

    example: Example
    samples: tuple[VoteSample, ...]
    uncertainty: float

    @property
    def shares(self) -> list[tuple[str | None, int]]:
        """The distinct answers with the number of samples, most frequent first; None for samples without an answer."""
        kind = self.example.problem.kind
        shown = {_key(kind, sample.value): _show(kind, sample.value) for sample in reversed(self.samples)}
        counts = Counter(_key(kind, sample.value) for sample in self.samples)
        return [(shown[key], count) for key, count in counts.most_common()]


def usable_measure(kind: Kind, measure: Measure) -> Measure:
    """Return the measure for a kind of answer.

    With two possible answers, disagreement has two values only, and entropy takes its place.

    Raises:
        UsageError: the variance of other answers than numbers is asked for.
    """
    if measure == "variance" and not isinstance(kind, Number):
        raise UsageError(
            f"uncertainty='variance' needs answers that are numbers, got the kind {kind.name!r}; take 'disagreement' "
            "or 'entropy'"
        )
    two = isinstance(kind, YesNo) or (isinstance(kind, Choice | Label) and len(_labels(kind)) == 2)
    return "entropy" if two and measure == "disagreement" else measure


def measure_uncertainty(problem: Problem, values: Sequence[Any], measure: Measure) -> float:
    """Return the uncertainty of a model about a question.

    Args:
        problem: the question.
        values: the answers of the samples; None for one without an answer, which is an answer of
            its own kind for disagreement and entropy, and left out of the variance.
        measure: "disagreement" is the number of distinct answers by the number of samples; "entropy"
            is that of their frequencies, in nats; "variance" is that of the numbers (of a sample, by
            n - 1), each divided by the sum of the absolute numbers in the question.

    Source:
        Diao et al. (2023), arXiv 2302.12246, §2.2 and the appendix on normalised variance.

    Examples:
        >>> problem = Problem("7 + 2?", Number())
        >>> measure_uncertainty(problem, [7, 9, 14, 9], "disagreement")
        0.75
        >>> round(measure_uncertainty(problem, [9, 9, None, 9], "entropy"), 3)
        0.562
        >>> measure_uncertainty(problem, [9, 18, None], "variance")
        0.5
    """
    if measure == "variance":
        scale = sum(abs(float(number)) * count for number, count in parse_numbers(problem.question).items()) or 1.0
        numbers = [number / scale for value in values if value is not None and math.isfinite(number := _float(value))]
        try:
            return variance(numbers) if len(numbers) > 1 else 0.0
        except OverflowError:
            return math.inf
    counts = Counter(_key(problem.kind, value) for value in values)
    if measure == "disagreement":
        return len(counts) / len(values)
    shares = [count / len(values) for count in sorted(counts.values())]
    return max(0.0, -math.fsum(share * math.log(share) for share in shares))


def most_uncertain_first(questions: Iterable[SampledQuestion], seed: int) -> list[SampledQuestion]:
    """Return the questions in the order of their uncertainty; equally uncertain ones are shuffled by the seed."""
    shuffled = list(questions)
    random.Random(seed).shuffle(shuffled)
    # The sums of different orders of the same shares may differ in the last digits.
    return sorted(shuffled, key=lambda question: -round(question.uncertainty, 9))


async def sample_questions(
    base: Strategy, pool: Sequence[Example], session: Session, samples: int, temperature: float, measure: Measure
) -> list[SampledQuestion]:
    """Sample answers to the questions of a pool, all concurrently, and measure the uncertainty about each.

    Args:
        base: the strategy that answers.
        pool: the questions.
        session: the session to sample with.
        samples: the number of answers to each question.
        temperature: the sampling temperature.
        measure: the measure of uncertainty; see `usable_measure`.

    Returns:
        The questions in the order of the pool, without those of which every call failed.
    """

    async def sample(example: Example, branch: Session) -> SampledQuestion | None:
        drawn = await draw_samples(base, example.problem, branch, samples, temperature=temperature)
        kept = tuple(one for one in drawn if not isinstance(one.answer, Failed))
        if not kept:
            return None
        values = [one.value for one in kept]
        return SampledQuestion(example, kept, measure_uncertainty(example.problem, values, measure))

    branches = session.fork("question", [example.problem.values()["problem"] for example in pool])
    found = await gather([sample(one, branch) for one, branch in zip(pool, branches, strict=True)])
    return [question for question in found if question is not None]


def _labels(kind: Choice | Label) -> Collection[str]:
    return kind.options or (kind.labels if isinstance(kind, Choice) else ())


def _key(kind: Kind, value: Any) -> Any:
    return None if value is None else (kind.key(value),)


def _show(kind: Kind, value: Any) -> str | None:
    return None if value is None else kind.show(value)


def _float(value: Any) -> float:
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError):
        return math.inf
