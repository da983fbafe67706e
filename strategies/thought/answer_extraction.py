"""Answer extraction, the second of two stages: ask for the answer with the reasoning in view (Kojima et al. 2022)."""

from __future__ import annotations

from reasoning.answer import Answered, Unparsed
from reasoning.kinds import Items, Json, Spans, Text
from reasoning.kinds.code import Code
from reasoning.messages import Completion, Conversation
from reasoning.problem import Problem
from reasoning.session import Session

ANSWER_TOKENS = 64
"""The maximum tokens of an answer of one line."""


async def extract_answer(
    problem: Problem, session: Session, turns: Conversation, reasoning: str, max_tokens: int = ANSWER_TOKENS
) -> Answered | Unparsed:
    """Ask for the answer: append the kind's trigger to the conversation with the verbatim reasoning.

    A list, an object, code or a whole text gets the usual limit on its tokens.

    Args:
        problem: the problem.
        session: the session to ask with.
        turns: the conversation that asked for the reasoning.
        reasoning: the reply to it.
        max_tokens: the maximum tokens of an answer of one line.
    """
    kind, trigger = problem.kind, problem.kind.trigger()
    long_answer = isinstance(kind, Items | Json | Code | Spans) or (isinstance(kind, Text) and kind.whole)
    with session.stage("answer"):
        turns = turns.then(reasoning, trigger)
        reply = await session.ask(turns, temperature=0, max_tokens=None if long_answer else max_tokens)
    return problem.parse(reply, after=trigger)


def stated_answer(problem: Problem, reasoning: Completion) -> Answered | None:
    """Return the answer that reasoning states explicitly, in words or in a box, or None.

    A block of code counts as stated by its fence.
    """
    answer = problem.parse(reasoning)
    return answer if isinstance(answer, Answered) and (answer.is_stated or isinstance(problem.kind, Code)) else None
