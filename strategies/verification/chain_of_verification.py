"""Chain of verification: check an answer's claims by questions, then rewrite it (Dhuliawala et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from reasoning.answer import Answer, Answered, Failed
from reasoning.branches import gather
from reasoning.errors import CallFailed, UsageError
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.retrieval import Retriever
from reasoning.session import Session
from reasoning.strategies.direct.vanilla import Vanilla
from reasoning.strategies.evidence import retriever_of
from reasoning.strategies.reply_parsing import append_answer
from reasoning.strategies.verification.verification_evidence import find_passages
from reasoning.strategies.verification.verification_plan import parse_plan
from reasoning.strategies.verification.verification_questions import (
    COMPARE,
    ClaimCheck,
    answer_questions,
    claims_that_stand,
    compare_claims,
    merge_checks,
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
    counts="p: passages (1 unless `passages` allows more; 0 for an empty answer); v: uses of the verifier, one per "
    "question, in 'two_step' one per passage, in 'joint' none; c: claims that 'factor_revise' compares; r: revised "
    "passages; base, verifier: these strategies",
    use_when="an answer states several facts that the model recalls better one by one: lists, biographies, "
    "closed-book questions (Llama 65B: precision of lists 0.17 → 0.36, FactScore of biographies 55.9 → 71.4)",
    avoid_when="recall matters, since right items go with the wrong ones (0.59 → 0.38 right items a list; arXiv "
    "2309.11495); or the answer is one calculation, which questions about facts do not check",
    aliases=("cove",),
    version=2,
)
class ChainOfVerification(Strategy):
    """Answer, write questions about the answer's claims, answer them without the answer in view, and revise.

    Variants: "joint" plans and answers the questions in one prompt. "two_step" answers them
    together in a prompt without the answer. "factored" answers each alone. "factor_revise" also
    compares each claim with the finding. A verdict that cannot be parsed counts as partial, and its
    claim stands if the finding contains it. An empty revision of a text or a list is replaced by
    the claims that stand; without such claims, one of several passages is left out. The first
    answer remains, with a note in the trace, if there is no question (`verification_plan.parse_plan`
    says which forms of a plan are read), if none can be answered, if the revision states no answer,
    or if a call after the first answer fails. The paper shows a base model three demonstrations per
    stage; a chat model gets instructions instead.

    Args:
        base: the strategy whose answer is checked; if it must reason, `cot(stages=1)`.
        verifier: the strategy that answers one question as text: a model or a program (`pot`).
        variant: how the questions are answered; see above.
        max_questions: maximum number of questions per passage.
        passages: maximum number of parts, split at empty lines, in which a text that is itself the
            result is checked.
        retriever: where to search for each question, such as "docs/", "wikipedia" or `Index(…)`: the
            verifier then answers from the passages that are found. A question for which nothing is
            found is left out. None asks the verifier alone, as the paper does.

    Source:
        Dhuliawala et al. (2023), "Chain-of-Verification Reduces Hallucination in Large Language
        Models", arXiv 2309.11495.
    """

    base: Strategy = Vanilla(max_tokens=512)
    verifier: Strategy = Vanilla(max_tokens=256)
    variant: Literal["joint", "two_step", "factored", "factor_revise"] = "factored"
    max_questions: int = 20
    passages: int = 1
    retriever: str | Retriever | None = None
    plan: Prompt = PLAN
    joint: Prompt = JOINT
    compare: Prompt = COMPARE
    revise: Prompt = REVISE

    prompt_includes_samples: ClassVar[bool] = True

    @property
    def free_text_prompts(self) -> frozenset[str]:
        return frozenset(["compare"])

    def __post_init__(self) -> None:
        self.check_parameters(max_questions=1, passages=1)
        if self.retriever is not None and self.variant == "joint":
            raise UsageError("retriever serves the verifier, which variant='joint' does not ask; choose 'factored'")

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
        retriever = None if self.retriever is None else retriever_of(self.retriever, problem)
        with session.stage("baseline"):
            first_answer = await session.solve(self.base, problem)
        baseline = append_answer(first_answer.text, first_answer.value, problem)
        if isinstance(first_answer, Failed) or not baseline.strip():
            return first_answer
        session.keep_partial(replace(first_answer, steps={"baseline": first_answer.value}))
        parts = split_passages(baseline, problem.kind, self.passages)
        branches = session.branches(len(parts), "passage") if len(parts) > 1 else [session]
        revised = await gather(
            [self._revise(problem, part, retriever, branch) for part, branch in zip(parts, branches, strict=True)]
        )
        if not any(revised):
            return first_answer
        answer = revised[0]
        if len(parts) > 1:
            # A passage without a true claim is dropped.
            texts = [
                part if revision is None else revision.value for part, revision in zip(parts, revised, strict=True)
            ]
            answer = problem.parse("\n\n".join(filter(None, texts)))
        if isinstance(answer, Answered):
            return replace(answer, steps={"baseline": first_answer.value})
        session.note("every claim was removed: the first answer is kept")
        return first_answer

    async def _revise(
        self, problem: Problem, passage: str, retriever: Retriever | None, session: Session
    ) -> Answer | None:
        """Return the revised passage: Unparsed if nothing is left of it, None if it stays as it is."""
        try:
            answer = await self._verify(problem, passage, retriever, session)
        except CallFailed as error:
            if error.ends_run:
                raise
            session.note(f"the passage is kept, since a call failed: {error}")
            return None
        if answer is None or isinstance(answer, Answered) or not answer.text.strip():
            return answer
        session.note(f"the passage is kept, since its revision states no answer: {answer.reason}")
        return None

    async def _verify(
        self, problem: Problem, passage: str, retriever: Retriever | None, session: Session
    ) -> Answer | None:
        """Return the answer that a passage's revision states, or None if there are no findings."""
        with session.stage("plan"):
            planner = self.joint if self.variant == "joint" else self.plan
            reply = await session.ask(planner.render(problem, passage=passage))
        checks = parse_plan(reply.text, passage, answers=self.variant == "joint")[: self.max_questions]
        if checks and retriever is not None:
            checks = await self._search(checks, retriever, session)
        if checks and self.variant == "two_step":
            checks = [merge_checks(checks, passage)]
        if checks and self.variant != "joint":
            with session.stage("verify"):
                checks = await answer_questions(checks, self.verifier, problem, session)
        checks = [check for check in checks if check.finding]
        if not checks:
            session.note("no question, or no answer to one: the passage is kept")
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

    async def _search(self, checks: Sequence[ClaimCheck], retriever: Retriever, session: Session) -> list[ClaimCheck]:
        """Return the checks with passages for their questions, without those for which nothing is found."""
        with session.stage("search"):
            found = await find_passages([check.question for check in checks], retriever, session)
        return [replace(check, evidence=evidence) for check, evidence in zip(checks, found, strict=True) if evidence]
