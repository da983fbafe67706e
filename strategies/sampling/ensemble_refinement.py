"""Ensemble refinement: sample several drafts, then answer with all of them in view (Singhal et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from reasoning.answer import Answer, Answered
from reasoning.errors import BudgetExhausted
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import DemonstrationSource, with_examples
from reasoning.strategies.reply_parsing import append_answer, with_headings
from reasoning.strategies.sampling.majority import majority_answer
from reasoning.strategies.sampling.sampling import draw_samples
from reasoning.strategies.thought.cot import ChainOfThought, with_rationale
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
    counts="base: the base strategy",
    requires=("sampling", "a context that holds all drafts", "demonstrations if shots > 0"),
    use_when="a few chains find an argument that most of them miss, so that reading beats counting: exam questions "
    "(Med-PaLM 2, MedQA: 85.4 against 83.7 % with self-consistency over as many drafts)",
    avoid_when="the model gains nothing from reasoning (PubMedQA: 75.0 against 79.2 % with few-shot prompts; arXiv "
    "2305.09617), its context is short, or tokens are scarce: each refinement reads every draft",
    aliases=("er",),
)
class EnsembleRefinement(Strategy):
    """Draft answers, let the model weigh all drafts in one prompt, and vote over the refined answers.

    Drafts are read but do not vote. If no refined answer can be parsed or every refinement fails,
    the vote over the drafts decides, with a note in the trace. `Answer.steps` says whether the
    winner repeats the majority of the drafts: if it always does, self-consistency is as good and
    cheaper. Drafts and refinements default to the paper's 11 and 33; its temperature is not given.
    The paper's second stage repeats the demonstrations of the first. Here it has only the question
    and the drafts by default, to save context; `shots` repeats them, as in
    `ensemble_refinement(cot(shots=5), shots=5)`. The paper publishes no wording of its second stage:
    that of `refine` is ours. For open text set `samples=1`.

    Args:
        base: the strategy that writes the drafts; its whole text is read.
        drafts, samples: numbers of drafts and of refined answers.
        temperature: temperature of drafts and refinements.
        rotate: whether each refinement sees the drafts in a rotated order (the paper keeps the
            order). This evens out the effect of position, but the refinements no longer share a
            prompt and are no longer sent as one request.
        max_chars: maximum characters of each draft that are shown; a longer draft keeps its end.
        shots: number of demonstrations in the second stage, each with its reasoning.
        demonstrations: source of these demonstrations; give the base the same ones.

    Source:
        Singhal et al. (2023), "Towards Expert-Level Medical Question Answering with Large Language
        Models", arXiv 2305.09617.
    """

    base: Strategy = ChainOfThought()
    drafts: int = 11
    samples: int = 33
    temperature: float = 0.7
    rotate: bool = False
    max_chars: int = 6000
    shots: int = 0
    demonstrations: DemonstrationSource = None
    refine: Prompt = REFINE

    prompt_includes_samples: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.check_parameters(drafts=1, samples=1, temperature=0, max_chars=1, shots=0)

    def calls_range(self) -> tuple[int, int]:
        least, most = self.base.calls_range()
        return self.drafts * least + self.samples, self.drafts * most + self.samples

    def rounds_range(self) -> tuple[int, int] | None:
        base = self.base.rounds_range()
        return None if base is None else (base[0] + 1, base[1] + 1)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        drafts = await draw_samples(self.base, problem, session, self.drafts, temperature=self.temperature)
        draft_texts = [append_answer(draft.text, draft.value, problem) for draft in drafts if draft.text.strip()]
        if not draft_texts:
            return majority_answer(drafts, problem, self.drafts)
        draft_vote = majority_answer(drafts, problem, self.drafts)
        session.keep_partial(draft_vote)
        session.note(f"votes of the drafts: {draft_vote.votes}")

        def outcome(refined: Sequence[VoteSample]) -> Answer:
            answer = majority_answer(refined, problem, self.samples)
            session.note(f"votes: {answer.votes}")
            if isinstance(answer, Answered):
                repeats = draft_vote.value is not None and problem.kind.same(answer.value, draft_vote.value)
                session.note(f"the refined answer {'repeats' if repeats else 'is not'} the majority of the drafts")
                return replace(answer, steps={"drafts": draft_vote.value, "repeats the drafts": repeats})
            if isinstance(draft_vote, Answered):
                session.note("no refined answer was parsed: the vote over the drafts decides")
                return replace(draft_vote, rule="vote of the drafts")
            return answer

        refine = with_examples(self.refine, problem, self.shots, with_rationale, self.demonstrations)
        reader = ChainOfThought(stages=1, one_stage=refine)
        orders = (
            [draft_texts[start:] + draft_texts[:start] for start in range(len(draft_texts))]
            if self.rotate
            else [draft_texts]
        )
        problems = [self._with_drafts(problem, order) for order in orders]
        try:
            with session.stage("refine"):
                draws = await draw_samples(
                    reader,
                    problems,
                    session,
                    self.samples,
                    name="refinement",
                    temperature=self.temperature,
                    outcome=outcome,
                )
        except BudgetExhausted as error:
            if not session.owns(error) or not isinstance(draft_vote, Answered):
                raise
            session.note(f"the vote over the drafts decides: {error}")
            return replace(draft_vote, rule="vote of the drafts")
        return outcome(draws)

    def _with_drafts(self, problem: Problem, draft_texts: Sequence[str]) -> Problem:
        """Return the problem with the drafts as an input."""
        excerpts = [text if len(text) <= self.max_chars else f"… {text[-self.max_chars :]}" for text in draft_texts]
        return replace(problem, inputs={**problem.inputs, "drafted": with_headings("Draft", excerpts)})
