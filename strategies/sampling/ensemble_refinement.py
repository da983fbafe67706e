"""Ensemble refinement: draft several chains, then answer with all of them in view (Singhal et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from reasoning.answer import Answer, Answered
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.reply_parsing import append_answer, with_headings
from reasoning.strategies.sampling.majority import majority_answer
from reasoning.strategies.sampling.sampling import draw_samples
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy, technique
from reasoning.voting import VoteSample

REFINE = Prompt(
    objective="Answer a question to which several people have drafted an answer.",
    instructions="Weigh the drafts: what is sound in each, and where does it go wrong? Most may be wrong together. "
    "Then reason on your own, with the best of them.",
    input="{problem}\n\n{drafted}",
    recap="Your own explanation, then your answer. {instruction}",
)


@technique(
    title="Ensemble refinement",
    authors="Singhal et al.",
    year=2023,
    arxiv="2305.09617",
    calls="drafts * base + samples",
    rounds="base + 1",
    counts="and those of the base strategy",
    requires=("sampling", "a context that holds all drafts"),
    use_when="a few chains find the argument that most of them miss, so that reading beats counting: exam questions "
    "(Med-PaLM 2, MedQA: 85.4 against 83.7 % with self-consistency over as many drafts)",
    avoid_when="the model gains nothing from reasoning (PubMedQA: 75.0 against 79.2 % with few-shot prompts; arXiv "
    "2305.09617), its context is short, or tokens count: each refinement reads every draft",
    aliases=("er",),
)
class EnsembleRefinement(Strategy):
    """Draft answers, let the model weigh all drafts in one prompt, and vote over the refined answers.

    Drafts do not vote: they are only read. Where no refined answer can be read, or none comes through, the vote over
    the drafts decides, and the trace says so. `Answer.steps` tells whether the winner only repeats the majority of the
    drafts: where it always does, self-consistency is as good and cheaper. The paper's 11 drafts and 33 refinements; its
    temperature is not given. Its second stage repeats the demonstrations of the first; here it has the question and the
    drafts only, for the sake of the context. For open text set `samples=1`.

    Args:
        base: writes the drafts; all that it says on its way is read.
        drafts, samples: how many drafts, and how many refined answers.
        rotate: show each refinement the drafts from another one on (the paper keeps their order). This evens out what
            comes first, and costs the shared prompt: the refinements no longer leave as one request.
        max_chars: characters of each draft that are shown, at most; of a longer one the end.
    """

    base: Strategy = ChainOfThought()  # a frozen value
    drafts: int = 11
    samples: int = 33
    temperature: float = 0.7
    rotate: bool = False
    max_chars: int = 6000
    refine: Prompt = REFINE

    prompt_includes_samples: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.check_parameters(drafts=1, samples=1, temperature=0, max_chars=1)

    def calls_range(self) -> tuple[int, int]:
        least, most = self.base.calls_range()
        return self.drafts * least + self.samples, self.drafts * most + self.samples

    def rounds_range(self) -> tuple[int, int] | None:
        base = self.base.rounds_range()
        return None if base is None else (base[0] + 1, base[1] + 1)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        drafts = await draw_samples(self.base, problem, session, self.drafts, temperature=self.temperature)
        told = [append_answer(draft.text, draft.value, problem) for draft in drafts if draft.text.strip()]
        if not told:
            return majority_answer(drafts, problem)
        first = majority_answer(drafts, problem)
        session.keep_partial(first)
        session.note(f"votes of the drafts: {first.votes}")

        def outcome(refined: Sequence[VoteSample]) -> Answer:
            answer = majority_answer(refined, problem)
            session.note(f"votes: {answer.votes}")
            if isinstance(answer, Answered):
                repeats = first.value is not None and problem.kind.same(answer.value, first.value)
                session.note(f"the refined answer {'repeats' if repeats else 'is not'} the majority of the drafts")
                return replace(answer, steps={"drafts": first.value, "repeats the drafts": repeats})
            if isinstance(first, Answered):
                session.note("no refined answer could be read: the vote over the drafts decides")
                return replace(first, rule="vote of the drafts")
            return answer

        reader = ChainOfThought(stages=1, one_stage=self.refine)
        turns = [told[at:] + told[:at] for at in range(len(told))] if self.rotate else [told]
        asked = [self._with(problem, shown) for shown in turns]
        with session.stage("refine"):
            draws = await draw_samples(
                reader, asked, session, self.samples, name="refinement", temperature=self.temperature, outcome=outcome
            )
        return outcome(draws)

    def _with(self, problem: Problem, told: Sequence[str]) -> Problem:
        """The problem, with the drafts to be shown beside it."""
        shown = [text if len(text) <= self.max_chars else f"… {text[-self.max_chars :]}" for text in told]
        return replace(problem, inputs={**problem.inputs, "drafted": with_headings("Draft", shown)})
