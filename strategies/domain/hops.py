"""Hops: questions that build on each other, each sampled several times and settled by a vote before the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reasoning.answer import Answer, Failed
from reasoning.errors import BudgetExhausted
from reasoning.kinds import Kind
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.sampling.self_consistency import SelfConsistency
from reasoning.strategies.thought.cot import ChainOfThought


@dataclass(frozen=True)
class Hop:
    """One question of a sequence.

    Attributes:
        name: name of its reply in the prompts of later hops.
        prompt: the prompt; `{instruction}` is the tag's.
        tag: kind of answer with which a reply ends, and by which replies are compared.
    """

    name: str
    prompt: Prompt
    tag: Kind


async def run_hops(
    hops: Sequence[Hop], problem: Problem, session: Session, *, samples: int, temperature: float
) -> dict[str, Answer]:
    """Ask the hops in order, and return each hop's answer, with its votes, by name.

    The next hop reads the whole text of the first reply with the winning tag. If no tag can be
    parsed, it reads the first reply. If every call of a hop fails, the sequence ends with it. If the
    budget runs out, the partial answer has the replies of the finished hops, and votes only for the
    last hop.

    Args:
        hops: the questions, in order.
        problem: the problem; its `inputs` are the other placeholders of the prompts.
        session: the session to ask with.
        samples: number of replies to each hop; 1 asks once, at the session's temperature.
        temperature: temperature of several replies.
    """
    answers: dict[str, Answer] = {}
    for hop in hops:
        replies = reply_texts(answers)
        hop_problem = replace(problem, kind=hop.tag, options=None, inputs={**problem.inputs, **replies})
        single = ChainOfThought(stages=1, one_stage=hop.prompt)
        with session.stage(hop.name):
            voted = SelfConsistency(single, samples=samples, temperature=temperature)
            try:
                answers[hop.name] = answer = await session.solve(single if samples == 1 else voted, hop_problem)
            except BudgetExhausted:
                # Votes on an earlier hop's question are not votes on the problem.
                if (partial := session.partial) is not None:
                    session.keep_partial(
                        replace(partial, steps=replies, votes=partial.votes if hop is hops[-1] else None)
                    )
                raise
        if isinstance(answer, Failed):
            break
        session.keep_partial(
            replace(answer, steps=reply_texts(answers), votes=answer.votes if hop is hops[-1] else None)
        )
    return answers


def reply_texts(answers: Mapping[str, Answer]) -> dict[str, str]:
    """Return the text of each hop's reply, by name."""
    return {name: answer.text for name, answer in answers.items()}
