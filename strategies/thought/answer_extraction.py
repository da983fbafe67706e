"""The second of two stages: an answer is asked for with the reasoning in view (Kojima et al. 2022)."""

from __future__ import annotations

from reasoning.answer import Answered, Unparsed
from reasoning.kinds import Items, Json, Text
from reasoning.kinds.code import Code
from reasoning.messages import Completion, Conversation
from reasoning.problem import Problem
from reasoning.session import Session


async def extract_answer(
    problem: Problem, session: Session, turns: Conversation, reasoning: str
) -> Answered | Unparsed:
    """Ask for the answer: the reasoning stays in the conversation word for word, and the kind's trigger follows.

    An answer in a line gets few tokens, as in the paper; a list, an object, code or a whole text as many as usual.
    """
    kind, trigger = problem.kind, problem.kind.trigger()
    long = isinstance(kind, Items | Json | Code) or (isinstance(kind, Text) and kind.whole)
    with session.stage("answer"):
        turns = turns.then(reasoning, trigger)
        reply = await session.ask(turns, temperature=0, max_tokens=None if long else 64)
    return problem.parse(reply, after=trigger)


def stated_answer(problem: Problem, reasoning: Completion) -> Answered | None:
    """The answer that reasoning states, where it says in words or by a box that it is one.

    A block of code is stated by its fence.
    """
    answer = problem.parse(reasoning)
    return answer if isinstance(answer, Answered) and (answer.is_stated or isinstance(problem.kind, Code)) else None
