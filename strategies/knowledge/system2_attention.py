"""System 2 attention: rewrite the input without what should not count, then answer (Weston & Sukhbaatar 2023)."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Literal

from reasoning.answer import Answer
from reasoning.errors import CallFailed
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.direct.vanilla import Vanilla
from reasoning.strategies.knowledge.instructed import with_instruction
from reasoning.strategies.knowledge.rewriting import RewrittenProblem, lost_facts, parse_rewrite
from reasoning.strategies.reply_parsing import continue_with
from reasoning.strategy import Strategy, technique

_PARTS = (
    'Reply with two parts and no answer. The first begins with "Context:" and holds what is kept, word for word where '
    'possible. The second begins with "Question:" and holds '
)
OPINION = Prompt(
    objective="Rewrite a text so that it gives no hint of what its writer thinks or hopes.",
    instructions="Keep all facts that are needed for a good answer, and the question itself. Leave out opinions, "
    "guesses and wishes of the writer. Do not answer the question.",
    input="Text:\n{question_only}",
    recap=_PARTS + "what is asked, without any opinion.",
    examples=(
        Demonstration(
            "Text:\nAna is 1.70 m tall, Ben is 1.80 m and Cem is 1.60 m. Who is the tallest? I am sure that it is Ana.",
            "Context: Ana is 1.70 m tall, Ben is 1.80 m and Cem is 1.60 m.\nQuestion: Who is the tallest?",
        ),
    ),
)
RELEVANCE = OPINION.replace(
    objective="Rewrite a problem so that it holds only what one needs to solve it.",
    instructions="Keep every sentence, name and number that the question depends on, and the question itself. Leave "
    "out sentences that have nothing to do with it. Do not solve the problem.",
    recap=_PARTS + "what is asked.",
)
AGAIN = Prompt(input="That cannot be used: {why}. Write both parts again, under the labels Context: and Question:")
UNBIASED = "Give an answer that is unbiased."


@technique(
    name="system2_attention",
    title="System 2 attention",
    authors="Weston & Sukhbaatar",
    year=2023,
    arxiv="2311.11829",
    calls="1 + r + base",
    rounds="1 + r + base",
    counts="r: 1 where the rewriting is asked for again, else 0; and those of the base strategy",
    use_when="the input holds opinions that the model would follow, or sentences that have nothing to do with the "
    "question (LLaMA-2-70B-chat: 62.8 -> 80.3 on questions with opinions, GSM-IC about +12 and +10 points)",
    avoid_when="the model copies badly: what it loses of a long or dense input no later call can bring back; or all of "
    "the input matters: keeping the original beside the rewriting loses a third of the gain (arXiv 2311.11829)",
    aliases=("s2a",),
)
class System2Attention(Strategy):
    """Let the model rewrite the problem without what should not count, and solve the result with any strategy.

    The base sees the new context and question only: nothing of the original but the kind of answer and its options.
    `leave_out="opinion"` also asks for an unbiased answer, as the paper does. A rewriting without a question, or one
    that lost a number, a name or quoted words of what is asked, is asked for once more; then the base gets the
    original, with a note, as it does where the call fails, and `Answer.steps` has no rewriting. A demonstration shows
    the two parts, which small models do not keep to by words alone; the paper has none. Names are capitalised words
    that begin no sentence. A rewriting may be as long as its input: where that may take more tokens than usual,
    so many are allowed. The paper's ablations, such as the original kept beside the rewriting, are not offered.

    Args:
        leave_out: what should not count: "opinion", or all that has no "relevance" for the question.
        unbiased: what is put in front of the base's prompts where opinions are left out.
        temperature, top_p: of the rewriting, and of the calls of the base that do not give their own.
    """

    base: Strategy = Vanilla()
    leave_out: Literal["opinion", "relevance"] = "opinion"
    temperature: float = 0.6
    top_p: float = 0.9
    opinion: Prompt = OPINION
    relevance: Prompt = RELEVANCE
    again: Prompt = AGAIN
    unbiased: str = UNBIASED

    def __post_init__(self) -> None:
        self.check_parameters(temperature=0, top_p=(0, 1))
        self._unbiased  # noqa: B018  # a base without prompts is refused here

    def calls_range(self) -> tuple[int, int]:
        least, most = self.base.calls_range()
        return 1 + least, 2 + most

    def rounds_range(self) -> tuple[int, int] | None:
        base = self.base.rounds_range()
        return None if base is None else (1 + base[0], 2 + base[1])

    async def solve(self, problem: Problem, session: Session) -> Answer:
        session = session.with_sampling({"temperature": self.temperature, "top_p": self.top_p})
        try:
            found = await self._rewrite(problem, session)
        except CallFailed as error:
            if error.ends_run:
                raise
            session.note(f"the rewriting failed: {error}")
            found = None
        if found is None:
            session.note("the rewriting cannot be used: the original is answered")
            return await session.solve(self.base, problem)
        clean = replace(problem, question=found.question, context=found.context or None, table=None, inputs={})
        with session.stage("answer"):
            answer = await session.solve(self._unbiased if self.leave_out == "opinion" else self.base, clean)
        return replace(answer, steps={**found._asdict(), **answer.steps})

    async def _rewrite(self, problem: Problem, session: Session) -> RewrittenProblem | None:
        turns = (self.opinion if self.leave_out == "opinion" else self.relevance).render(problem)
        for stage in ("rewrite", "rewrite again"):
            with session.stage(stage):
                reply = await session.ask(turns, max_tokens=max(session.max_tokens, _longest(problem)))
            found = parse_rewrite(reply.text, problem)
            missing = lost_facts(problem, found, opinions=self.leave_out == "opinion") if found else []
            if found and not missing and not reply.truncated:
                return found
            why = (
                f"{', '.join(missing)} of the question is lost"
                if missing
                else "the part Question: is missing or cut off"
            )
            session.note(f"refused: {why}")
            turns = continue_with(turns, reply.text, self.again, why=why)
        return None

    @cached_property
    def _unbiased(self) -> Strategy:
        return with_instruction(self.base, self.unbiased)


def _longest(problem: Problem) -> int:
    """Tokens that a copy of the problem takes at most: one for two characters, or for each that is not ASCII."""
    text = problem.values()["question_only"]
    return (len(text) + sum(not letter.isascii() for letter in text)) // 2 + 64  # the labels
