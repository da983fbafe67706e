"""Hops: questions that lead to each other; each is asked several times, and settled by a vote before the next."""

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
    """One question of a chain.

    Attributes:
        name: what the prompts of later hops call its reply.
        prompt: asks it; `{instruction}` is the tag's.
        tag: what a reply ends with, and is compared by.
    """

    name: str
    prompt: Prompt
    tag: Kind


async def run_hops(
    hops: Sequence[Hop], problem: Problem, session: Session, *, samples: int, temperature: float
) -> dict[str, Answer]:
    """Each hop's answer by name, with its votes. The next hop reads the first reply with the winning tag, whole.

    Where no tag can be read, the first reply goes on. A hop of which every call has failed is the last one. Where the
    budget ends them, what there is so far has the replies of the hops before, and votes at the last hop only.

    Args:
        problem: its `inputs` are what the prompts name beside the hops.
        samples: replies to each hop; 1 asks once, with the session's temperature.
    """
    found: dict[str, Answer] = {}
    for hop in hops:
        told = reply_texts(found)
        asked = replace(problem, kind=hop.tag, options=None, inputs={**problem.inputs, **told})
        once = ChainOfThought(stages=1, one_stage=hop.prompt)
        with session.stage(hop.name):
            several = SelfConsistency(once, samples=samples, temperature=temperature)
            try:
                found[hop.name] = answer = await session.solve(once if samples == 1 else several, asked)
            except BudgetExhausted:
                if (kept := session.partial) is not None:  # votes on other questions are none on the problem's
                    session.keep_partial(replace(kept, steps=told, votes=kept.votes if hop is hops[-1] else None))
                raise
        if isinstance(answer, Failed):
            break
        session.keep_partial(replace(answer, steps=reply_texts(found), votes=answer.votes if hop is hops[-1] else None))
    return found


def reply_texts(found: Mapping[str, Answer]) -> dict[str, str]:
    """The reply of each hop, by name."""
    return {name: answer.text for name, answer in found.items()}
