"""System 2 attention: rewrite the input without what should not count, then answer (Weston & Sukhbaatar 2023)."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Literal

from reasoning.answer import Answer
from reasoning.errors import CallFailed, UsageError
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.direct.vanilla import Vanilla
from reasoning.strategies.knowledge.instructed import with_instruction
from reasoning.strategies.knowledge.rewriting import RewrittenProblem, asks_for_parts, lost_facts, parse_rewrite
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
    counts="r: 1 if the rewriting is asked for again, else 0; base: the base strategy",
    use_when="the input contains opinions that the model would follow, or sentences irrelevant to the "
    "question (LLaMA-2-70B-chat: 62.8 -> 80.3 on questions with opinions, GSM-IC about +12 and +10 points)",
    avoid_when="the model copies badly: no later call can restore what it loses of a long or dense input; or all of "
    "the input matters: keeping the original with the rewriting loses a third of the gain (arXiv 2311.11829)",
    aliases=("s2a",),
    version=2,
)
class System2Attention(Strategy):
    """Let the model rewrite the problem without distractions, and solve the result with any strategy.

    The base strategy sees only the rewritten context and question, with the kind of answer and its
    options. `leave_out="opinion"` also asks for an unbiased answer, as the paper does. A rewriting
    without a question, or one that lost a number, a name or quoted words of the question, is asked
    for once more. If that fails too, the base strategy gets the original problem, with a note in
    the trace, and `Answer.steps` has no rewriting; the same happens if the call fails. A demonstration,
    which the paper lacks, shows the two parts: small models do not produce them from a description.
    Names are capitalised words that do not begin a sentence. A rewriting may be as long as its
    input, so the token limit is raised where the input needs it.

    The prompts are in our words. The paper's own prompt can take their place as `opinion` or
    `relevance`: its labels ("Unbiased text context (…):", "Question/Query (…):", "Detailed question:")
    are read as ours are. The whole reply to a prompt that asks for no part "Question:" is the
    rewritten question, which is the paper's variant "Single". Keeping the original with the rewriting
    is not offered.

    Args:
        base: the strategy that solves the rewritten problem.
        leave_out: what to leave out: "opinion" for opinions, "relevance" for everything irrelevant
            to the question.
        unbiased: the sentence in front of the base's prompts when opinions are left out.
        temperature, top_p: sampling of the rewriting, and of calls of the base that set none of
            their own.

    Source:
        Weston & Sukhbaatar (2023), "System 2 Attention (is something you might need too)", arXiv
        2311.11829.

    Examples:
        >>> from reasoning import Problem, kinds, strategies
        >>> from reasoning.testing import ScriptedLLM
        >>> rewritten = '''Context: A train has 8 cars.
        ... Question: How many cars has the train?'''
        >>> problem = Problem("A train has 8 cars. How many cars has it? I think 9.", kinds.Number())
        >>> answer = strategies.System2Attention().run(problem, ScriptedLLM([rewritten, "8"]))
        >>> answer.value, answer.steps["question"]
        (8, 'How many cars has the train?')
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
        if not self._rewriting.placeholders:
            raise UsageError(
                f"system2_attention: the prompt {self.leave_out!r} must show the text to rewrite, got no placeholder; "
                "write {question_only} where the text belongs"
            )
        self._unbiased  # noqa: B018  # raises for a base without prompts

    def calls_range(self) -> tuple[int, int]:
        least, most = self.base.calls_range()
        return 1 + least, 2 + most

    def rounds_range(self) -> tuple[int, int] | None:
        base = self.base.rounds_range()
        return None if base is None else (1 + base[0], 2 + base[1])

    async def solve(self, problem: Problem, session: Session) -> Answer:
        session = session.with_sampling({"temperature": self.temperature, "top_p": self.top_p})
        try:
            rewritten = await self._rewrite(problem, session)
        except CallFailed as error:
            if error.ends_run:
                raise
            session.note(f"the rewriting failed: {error}")
            rewritten = None
        if rewritten is None:
            session.note("the rewriting is unusable: the original is answered")
            return await session.solve(self.base, problem)
        rewritten_problem = replace(
            problem, question=rewritten.question, context=rewritten.context or None, table=None, inputs={}
        )
        with session.stage("answer"):
            answer = await session.solve(
                self._unbiased if self.leave_out == "opinion" else self.base, rewritten_problem
            )
        return replace(answer, steps={**rewritten._asdict(), **answer.steps})

    async def _rewrite(self, problem: Problem, session: Session) -> RewrittenProblem | None:
        turns, parts = self._rewriting.render(problem), asks_for_parts(self._rewriting)
        for stage in ("rewrite", "rewrite again"):
            with session.stage(stage):
                reply = await session.ask(turns, max_tokens=max(session.max_tokens, _max_copy_tokens(problem)))
            rewritten = parse_rewrite(reply.text, problem, parts=parts)
            lost = lost_facts(problem, rewritten, opinions=self.leave_out == "opinion") if rewritten else []
            if rewritten and not lost and not reply.truncated:
                return rewritten
            reason = (
                f"{', '.join(lost)} of the question is lost" if lost else "the part Question: is missing or cut off"
            )
            session.note(f"rejected: {reason}")
            turns = continue_with(turns, reply.text, self.again, why=reason)
        return None

    @property
    def _rewriting(self) -> Prompt:
        """The prompt that asks for the rewriting."""
        return self.opinion if self.leave_out == "opinion" else self.relevance

    @cached_property
    def _unbiased(self) -> Strategy:
        return with_instruction(self.base, self.unbiased)


def _max_copy_tokens(problem: Problem) -> int:
    """Return an upper bound on the tokens of a copy: one per two ASCII characters, one per other character."""
    text = problem.values()["question_only"]
    # The labels take up to 64 tokens.
    return (len(text) + sum(not letter.isascii() for letter in text)) // 2 + 64
