"""Self-consistency: sample several chains, take the answer that most of them reach (Wang et al. 2022)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

from reasoning.answer import Answer, Failed, Unparsed
from reasoning.errors import UnknownName, UsageError
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategies.sampling.majority import budget_note, first_text, unparsed_reason
from reasoning.strategies.sampling.sampling import draw_samples
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy, technique
from reasoning.voting import AnswerClasses, Rule, VoteSample, apply_filters, runs_without_error, stopping, vote
from reasoning.voting.equivalence import takes_two_values
from reasoning.voting.offline_stopping import first_stop
from reasoning.voting.weights import BY_LOGPROB, WeightName


@technique(
    title="Self-consistency",
    authors="Wang et al.",
    year=2022,
    arxiv="2203.11171",
    calls="samples * base if stop == 'fixed' else drawn * base",
    rounds="base if stop == 'fixed' else rounds * base",
    counts="drawn: samples until the rule stops, at most `samples`; rounds: batches in which they are drawn; and those "
    "of the base strategy",
    requires=("sampling", "logprobs if weigh is a probability"),
    use_when="answers can be compared, a single chain is often but not always right, and several times the tokens "
    "are worth some points (PaLM-540B, GSM8K: 56.5 -> 74.4, StrategyQA: 75.3 -> 81.6); most of the gain is there with "
    "5 to 10 samples, and `stop='beta'` draws few where all agree",
    avoid_when="all chains share one error (a wrong reading of the question): the vote only makes it look sure; or the "
    "model is near 0 or near 100 %",
    aliases=("sc",),
)
class SelfConsistency(Strategy):
    """Solve with the base strategy `samples` times, independently, and take the majority.

    Unparsed samples and failed calls do not vote. A tie goes to the candidate with the higher mean
    log-probability if that is known, else to the one that was drawn first. The confidence is the
    winner's share of the votes. The paper draws 40 samples at temperature 0.7 from a few-shot chain
    of thought. Here any strategy can be the base, and its first draws are one request if the model
    takes `n`.

    `stop` ends the sampling early; see `reasoning.voting.stopping`. Samples are judged in draw
    order, so neither the answer nor the number of samples depends on which reply arrives first.
    They are drawn in batches, each the smallest that could be enough, so that every sample that is
    paid for votes. A larger `wave` waits less often and may pay for unused samples.

    Args:
        base: the strategy that makes the samples.
        samples: maximum number of samples.
        temperature: the sampling temperature.
        stop: "fixed" draws all samples; "decided" stops when the majority can no longer change;
            "beta" and "dirichlet" stop when it is right with probability `threshold` (Aggarwal et
            al. 2023, arXiv 2305.11860); "window" stops when `window` samples in a row agree (Li et
            al. 2024, arXiv 2401.10480).
        threshold: the probability at which "beta" and "dirichlet" stop.
        window: the number of equal samples at which "window" stops.
        wave: minimum number of samples in a batch, with a rule that stops.
        weigh: "equal"; "probability" or "mean_probability" (the paper's weighted sums); or
            a function of a `VoteSample`, such as a verifier.
        keep: the samples that may vote: "executed" for those with a program that runs without error
            (under `program_of_thoughts` this holds anyway: a program that fails has no answer), or
            a function of a `VoteSample`.
        most_complex: the number of samples that may vote, those with the most steps (Fu et al.
            2022, arXiv 2210.00720: 30 to 40 of 50 samples vote).
        min_share: abstain (`Unparsed`, with the votes) if the winner's share of the votes is smaller.
        group: joins answers with the same meaning: a function of one value (its key) or of two.

    Source:
        Wang et al. (2022), "Self-Consistency Improves Chain of Thought Reasoning in Language Models",
        arXiv 2203.11171.
    """

    base: Strategy = ChainOfThought()
    samples: int = 40
    temperature: float = 0.7
    stop: stopping.RuleName = "fixed"
    threshold: float = 0.95
    window: int = 5
    wave: int = 1
    weigh: WeightName | Callable[[VoteSample], float] = "equal"
    keep: Literal["executed"] | Callable[[VoteSample], bool] | None = None
    most_complex: int | None = None
    min_share: float = 0.0
    group: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        for name, value, known in (("weigh", self.weigh, get_args(WeightName)), ("keep", self.keep, ("executed",))):
            if isinstance(value, str) and value not in known:
                raise UnknownName(name, value, known)
        self.check_parameters(samples=1, temperature=0, window=1, wave=1, most_complex=1, min_share=0)
        if self.min_share > 1:
            raise UsageError(f"min_share must be at most 1, got {self.min_share}")
        if self.stop != "fixed" and (self.weigh != "equal" or self.most_complex is not None):
            other = "most_complex" if self.weigh == "equal" else "weigh"
            raise UsageError(f"self_consistency(stop={self.stop!r}) counts votes one by one: leave {other} out")
        if self.group is not None:
            takes_two_values(self.group)
        self.rule  # noqa: B018  # checks the threshold

    @property
    def rule(self) -> Rule:
        """The stopping rule; see `reasoning.voting.stopping`."""
        return stopping.rule_by_name(self.stop, self.threshold, self.window)

    def calls_range(self) -> tuple[int, int]:
        """Return the number of completions if all samples agree, and if all are drawn."""
        low, high = self.base.calls_range()
        return self._next([]) * low, self.samples * high

    def rounds_range(self) -> tuple[int, int] | None:
        if (base := self.base.rounds_range()) is None:
            return None
        return base if self.stop == "fixed" else (base[0], self.samples * base[1])

    async def solve(self, problem: Problem, session: Session) -> Answer:
        groups = AnswerClasses(problem.kind, self.group)
        draws: list[VoteSample] = []
        used = None
        while used is None:
            before = len(draws)
            n = self._next(groups.classify(_votes(draws)))
            draws += await self._wave(draws, n, problem, session, groups)
            used = first_stop(_votes(draws), groups, self.rule, self.samples, after=before)
            if used is None and len(draws) < before + n:
                break
        note = "" if used else budget_note(len(draws), self.samples)
        answer = self._voted(draws[:used], problem, groups, len(draws), note)
        if answer.votes is not None:
            session.note(f"votes: {answer.votes}")
        return answer

    def _voted(
        self, draws: Sequence[VoteSample], problem: Problem, groups: AnswerClasses, drawn: int, note: str = ""
    ) -> Answer:
        # Each sample of a strategy has an answer.
        answers: list[Answer] = [draw.answer for draw in draws if draw.answer is not None]
        if all(isinstance(answer, Failed) for answer in answers):
            return answers[0]
        result = vote(
            draws,
            problem.kind,
            weigh=self.weigh,
            most_complex=self.most_complex,
            group=groups,
            min_share=self.min_share,
        )
        result = replace(result, drawn=drawn, note="; ".join(filter(None, (result.note, note))))
        if result.value is None:
            return Unparsed(unparsed_reason(result), text=first_text(answers), votes=result)
        return replace(answers[result.candidates[0].representative], confidence=result.share, votes=result)

    def _next(self, keys: list[Any]) -> int:
        """Return the size of the next batch."""
        return min(max(stopping.next_batch_size(keys, self.rule, self.samples), self.wave), self.samples - len(keys))

    async def _wave(
        self, before: Sequence[VoteSample], n: int, problem: Problem, session: Session, groups: AnswerClasses
    ) -> list[VoteSample]:
        def outcome(complete: list[VoteSample]) -> Answer:
            draws = [*before, *complete]
            return self._voted(draws, problem, groups, len(draws))

        settings: dict[str, Any] = {"temperature": self.temperature, "logprobs": self.weigh in BY_LOGPROB}
        draws = await draw_samples(self.base, problem, session, n, after=len(before), outcome=outcome, **settings)
        if self.keep == "executed":
            return await runs_without_error(draws, session.tools.interpreter)
        return apply_filters(draws, self.keep)


def _votes(draws: Sequence[VoteSample]) -> list[Any]:
    """Return the values of the samples in draw order, with None for a sample that does not vote."""
    return [draw.value if draw.counts else None for draw in draws]
