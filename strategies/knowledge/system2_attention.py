"""System 2 attention: rewrite the input without what should not count, then answer (Weston & Sukhbaatar 2023)."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import Literal, NamedTuple

from reasoning.answer import Answer
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategy import Strategy, technique
from strategies.decomposition.least_to_most import final_question
from strategies.direct.vanilla import Vanilla
from strategies.knowledge.instructed import with_instruction
from strategies.labelled import labelled

_PARTS = "Two parts, and no answer:\nContext: what is kept, word for word where possible, or none\nQuestion: "
OPINION = Prompt(
    objective="Rewrite a text so that it gives no hint of what its writer thinks or hopes.",
    instructions="Keep all facts that are needed for a good answer, and the question itself. Leave out opinions, "
    "guesses and wishes of the writer. Do not answer the question.",
    output_format=_PARTS + "what is asked, without any opinion",
    input="Text:\n{bare}",
)
RELEVANCE = Prompt(
    objective="Rewrite a problem so that it holds only what one needs to solve it.",
    instructions="Keep every sentence, name and number that the question depends on, and the question itself. Leave "
    "out sentences that have nothing to do with it. Do not solve the problem.",
    output_format=_PARTS + "what is asked",
    input="Text:\n{bare}",
)
AGAIN = "That cannot be used: {why}. Write both parts again, under the labels Context: and Question:"
UNBIASED = "Give an answer that is unbiased."

_LABEL = re.compile(
    r"^\W{0,6}(?:\w{1,12} )?(context|question|answer)(?: ?\([^()\n]{0,200}\))?\W{0,3}:[*_ ]*", re.M | re.I
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class Rewritten(NamedTuple):
    """What the first call made of the problem."""

    context: str
    question: str


def rewritten(text: str) -> Rewritten | None:
    """The two labelled parts of a reply; None where there is no question. An answer that follows is cut off."""
    parts: dict[str, str] = {}
    for label, part in labelled(text, _LABEL):
        parts.setdefault(label[1].lower(), part)
    context = parts.get("context", "")
    empty = "".join(filter(str.isalnum, context)).casefold() in ("", "none", "na", "empty")
    return Rewritten("" if empty else context, parts["question"]) if parts.get("question") else None


@technique(
    name="system2_attention",
    title="System 2 attention",
    authors="Weston & Sukhbaatar",
    year=2023,
    arxiv="2311.11829",
    calls="1 + r + base",
    waves="1 + r + base",
    counts="r: 1 where the rewriting is asked for again, else 0; and those of the base strategy",
    ranges={"r": (0, 1)},
    use_when="the input holds opinions that the model would follow, or sentences that have nothing to do with the "
    "question (LLaMA-2-70B-chat: 62.8 -> 80.3 on questions with opinions, GSM-IC about +12 and +10 points)",
    avoid_when="the model copies badly: what it loses of a long or dense input no later call can bring back; or all of "
    "the input matters: keeping the original beside the rewriting loses most of the gain (arXiv 2311.11829)",
    aliases=("s2a",),
)
class System2Attention(Strategy):
    """Let the model rewrite the problem without what should not count, and solve the result with any strategy.

    The base sees the new context and question only: nothing of the original but the kind of answer and its options.
    `leave_out="opinion"` also asks for an unbiased answer, as the paper does. A rewriting without a question, or one
    that lost a number of what is asked, is asked for once more; then the base gets the original, with a note, and
    `Answer.steps` has no rewriting.

    Parameters:
        leave_out: what should not count: "opinion", or all that has no "relevance" for the question.
        temperature, top_p: of the rewriting.
    """

    base: Strategy = Vanilla()
    leave_out: Literal["opinion", "relevance"] = "opinion"
    temperature: float = 0.6
    top_p: float = 0.9
    opinion: Prompt = OPINION
    relevance: Prompt = RELEVANCE

    def __post_init__(self) -> None:
        self.check_parameters(temperature=0, top_p=0)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        [lane] = session.lanes(1, "part", temperature=self.temperature, top_p=self.top_p)
        found = await self._rewrite(problem, lane)
        if found is None:
            lane.note("the rewriting cannot be used: the original is answered")
            return await lane.solve(self.base, problem)
        clean = replace(problem, question=found.question, context=found.context or None, table=None, inputs={})
        with lane.stage("answer"):
            answer = await lane.solve(self._unbiased if self.leave_out == "opinion" else self.base, clean)
        return replace(answer, steps={**found._asdict(), **answer.steps})

    async def _rewrite(self, problem: Problem, session: Session) -> Rewritten | None:
        turns = (self.opinion if self.leave_out == "opinion" else self.relevance).for_(problem)
        for stage in ("rewrite", "rewrite again"):
            with session.stage(stage):
                reply = await session.ask(turns)
            found = rewritten(reply.text)
            lost = _lost(problem, found) if found else []
            if found and not lost and not reply.truncated:
                return found
            why = f"{', '.join(lost)} of the question is lost" if lost else "the part Question: is missing or cut off"
            session.note(f"refused: {why}")
            turns = turns.then(reply.text, AGAIN.format(why=why))
        return None

    @cached_property
    def _unbiased(self) -> Strategy:
        return with_instruction(self.base, UNBIASED)


def _lost(problem: Problem, found: Rewritten) -> list[str]:
    """The numbers of what is asked in the end that the rewriting no longer has."""
    kept = set(_NUMBER.findall(f"{found.context}\n{found.question}"))
    return [number for number in _NUMBER.findall(final_question(problem)) if number not in kept]
