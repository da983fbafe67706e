"""Chain of verification: check an answer's claims by questions, then write it again (Dhuliawala et al. 2023)."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from reasoning.answer import Answer, Answered, Failed
from reasoning.branches import gather
from reasoning.errors import CallFailed
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.direct.vanilla import Vanilla
from reasoning.strategies.reply_parsing import append_answer
from reasoning.strategies.verification.verification_questions import (
    COMPARE,
    answer_questions,
    claims_that_stand,
    compare_claims,
    merge_checks,
    parse_plan,
    split_passages,
)
from reasoning.strategy import Strategy, technique

PLAN = Prompt(
    objective="Prepare the check of an answer: take it apart into claims, and write a question for each.",
    instructions="A claim is one fact that the answer states. Its question makes sense by itself and asks openly for "
    "the fact (who, where, when, how many): not to be answered by yes or no, and without giving the fact away.",
    output_format="A numbered list, one claim a line: claim => question",
    input="{problem}\n\nThe answer to check:\n{passage}",
    recap="Claims and questions:",
)
JOINT = PLAN.replace(
    objective="Check an answer: take it apart into claims, write a question for each, and answer the questions.",
    output_format="A numbered list, one claim a line: claim => question => answer to the question",
    recap="Claims, questions and answers:",
)
REVISE = Prompt(
    objective="Write an answer again so that it agrees with another source.",
    instructions="Keep what the source confirms; correct what it contradicts, or leave it out. Add nothing else, and "
    "do not speak of the source.",
    input="{problem}\n\nThe answer so far:\n{passage}\n\nFrom another source:\n{evidence}",
    recap="{instruction}",
)


@technique(
    title="Chain of verification",
    authors="Dhuliawala et al.",
    year=2023,
    arxiv="2309.11495",
    calls="base + p + v * verifier + c + r",
    rounds="base + (1 if p > 0 else 0) + (verifier if v > 0 else 0) + (1 if c > 0 else 0) + (1 if r > 0 else 0)",
    counts="p: passages (1 unless `passages` allows more; 0 of an empty answer); v: times that the verifier is asked: "
    "each question, in 'two_step' all of a passage at once, in 'joint' never; c: claims that 'factor_revise' compares; "
    "r: passages that are revised; and those of the base strategy and of the verifier",
    use_when="an answer states several facts that the model knows better when asked one by one: lists, biographies, "
    "closed books (Llama 65B: precision of lists 0.17 → 0.36, FactScore of biographies 55.9 → 71.4)",
    avoid_when="every right item counts, for some go with the wrong ones (0.59 → 0.38 right ones a list; arXiv "
    "2309.11495); or the answer is one calculation, which questions about facts don't check",
    aliases=("cove",),
)
class ChainOfVerification(Strategy):
    """Answer, write questions about the answer's claims, answer them without the answer in view, revise.

    Variants: "joint" plans and answers the questions in one prompt; "two_step" answers them together in one that does
    not hold the answer; "factored" each alone; "factor_revise" also compares each claim with what was found. A verdict
    that cannot be read counts as partial, and its claim stands if what was found contains it. An empty revision of a
    text or a list is replaced by the claims that stand; where none is known to, one of several passages is left out.

    The first answer stays, and the trace says so, where there is no question (see `checks.planned`) or none can be
    answered, where the revision states no answer, and where a call behind the first one fails. The paper shows a base
    model three examples a stage; a chat model is told instead.

    Args:
        base: gives the answer to check; where that takes reasoning, `cot(stages=1)`.
        verifier: answers one question as text: a model, a program (`pot`), whatever looks things up.
        max_questions: for each passage.
        passages: a text that is itself the result is checked in up to so many parts, at its empty lines.
        variant: how the questions are answered; see above.
    """

    base: Strategy = Vanilla(max_tokens=512)  # a frozen value
    verifier: Strategy = Vanilla(max_tokens=256)
    variant: Literal["joint", "two_step", "factored", "factor_revise"] = "factored"
    max_questions: int = 20
    passages: int = 1
    plan: Prompt = PLAN
    joint: Prompt = JOINT
    compare: Prompt = COMPARE
    revise: Prompt = REVISE

    prompt_includes_samples: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.check_parameters(max_questions=1, passages=1)

    def calls_range(self) -> tuple[int, int]:
        (least, most), verifier = self.base.calls_range(), self.verifier.calls_range()[1]
        compared = self.passages * self.max_questions if self.variant == "factor_revise" else 0
        return least, most + 2 * self.passages + self._most_checks * verifier + compared

    def rounds_range(self) -> tuple[int, int] | None:
        base, verifier = self.base.rounds_range(), self.verifier.rounds_range()
        if base is None or verifier is None:
            return None
        compared = 1 if self.variant == "factor_revise" else 0
        return base[0], base[1] + 2 + (verifier[1] if self._most_checks else 0) + compared

    @property
    def _most_checks(self) -> int:
        """The most times that the verifier is asked."""
        return {"joint": 0, "two_step": self.passages}.get(self.variant, self.passages * self.max_questions)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        with session.stage("baseline"):
            first = await session.solve(self.base, problem)
        baseline = append_answer(first.text, first.value, problem)
        if isinstance(first, Failed) or not baseline.strip():
            return first
        session.keep_partial(replace(first, steps={"baseline": first.value}))
        parts = split_passages(baseline, problem.kind, self.passages)
        lanes = session.branches(len(parts), "passage") if len(parts) > 1 else [session]
        revised = await gather([self._revised(problem, part, lane) for part, lane in zip(parts, lanes, strict=True)])
        if not any(revised):
            return first
        answer = revised[0]
        if len(parts) > 1:  # of a passage without a true claim nothing is left
            texts = [part if one is None else one.value for part, one in zip(parts, revised, strict=True)]
            answer = problem.parse("\n\n".join(filter(None, texts)))
        if isinstance(answer, Answered):
            return replace(answer, steps={"baseline": first.value})
        session.note("nothing is left of the first answer: it stays as it is")
        return first

    async def _revised(self, problem: Problem, passage: str, session: Session) -> Answer | None:
        """The passage, revised: no answer where nothing is left of it, and None where it stays as it is."""
        try:
            answer = await self._verified(problem, passage, session)
        except CallFailed as error:
            if error.ends_run:
                raise
            session.note(f"the passage stays as it is, since a call failed: {error}")
            return None
        if answer is None or isinstance(answer, Answered) or not answer.text.strip():
            return answer
        session.note(f"the passage stays as it is, since its revision states no answer: {answer.reason}")
        return None

    async def _verified(self, problem: Problem, passage: str, session: Session) -> Answer | None:
        """What the revision of a passage states; None where there is nothing to revise it by."""
        with session.stage("plan"):
            planner = self.joint if self.variant == "joint" else self.plan
            reply = await session.ask(planner.render(problem, passage=passage))
        checks = parse_plan(reply.text, passage, answers=self.variant == "joint")[: self.max_questions]
        if checks and self.variant == "two_step":
            checks = [merge_checks(checks, passage)]
        if checks and self.variant != "joint":
            with session.stage("verify"):
                checks = await answer_questions(checks, self.verifier, problem, session)
        checks = [one for one in checks if one.found]
        if not checks:
            session.note("there is no question, or no answer to one: the passage stays as it is")
            return None
        if self.variant == "factor_revise":
            with session.stage("compare"):
                checks = await compare_claims(checks, self.compare, session)
        with session.stage("revise"):
            evidence = "\n".join(map(str, checks))
            reply = await session.ask(self.revise.render(problem, passage=passage, evidence=evidence))
        if not reply.text.strip() and (claims := claims_that_stand(checks, problem.kind)):
            session.note("the revision is empty: the claims that stand are the answer")
            return problem.parse(claims)
        return problem.parse(reply)
