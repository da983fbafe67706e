"""A claim under check: the question that finds the fact out, what was found, and how the two compare."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reasoning.answer import Answer, Answered
from reasoning.kinds import Text
from reasoning.kinds.label import Label
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session, together
from strategies.numbered import listing
from strategies.replies import folded, listed
from strategies.thought.cot import ChainOfThought

COMPARE = Prompt(
    objective="Compare a claim with what a source says.",
    input="Claim: {claim}\n\nThe source was asked: {question}\nThe source says: {found}",
    recap="Is the claim consistent with the source, inconsistent, or partially consistent? If partially, first write "
    "the part that is consistent. {instruction}",
)
VERDICT = Label(("consistent", "inconsistent", "partially consistent"))

_ARROW = re.compile(r"=>|->|→|\||\bquestion:", re.IGNORECASE)


@dataclass(frozen=True)
class Check:
    """One claim.

    Attributes:
        claim: a fact that an answer states.
        question: asks for the fact.
        found: what the verifier says; empty where it does not know, or has not been asked.
        verdict: how claim and finding compare; of a partial consistency, in the words of the comparison.
        stands: whether the claim is consistent with what was found.
    """

    claim: str
    question: str
    found: str = ""
    verdict: str = ""
    stands: bool = False

    def judged(self, answer: Answer) -> Check:
        """With its verdict. One that cannot be read is partial, and the claim stands if what was found has it."""
        if not isinstance(answer, Answered):
            contained = Text().key(self.claim) in Text().key(self.found)
            return replace(self, verdict="partially consistent", stands=contained)
        partial = answer.value == "partially consistent"  # which part, the reply says
        return replace(self, verdict=answer.text if partial else answer.value, stands=answer.value == "consistent")

    def __str__(self) -> str:
        compared = f"\n  The claim {self.claim!r}: {self.verdict}" if self.verdict else ""
        return f"- {self.question}\n  {self.found}{compared}"


def planned(plan: str, passage: str) -> list[Check]:
    """The claims and questions of a plan, with their answers where it has them; each question once.

    Args:
        plan: lines such as `1. claim => question`.
        passage: the claim of a line that has only a question.
    """
    found: dict[str, Check] = {}
    for item in listed(plan):
        claim, *rest = (part.strip() for part in _ARROW.split(item, maxsplit=2))
        if not rest and not claim.endswith("?"):
            continue
        claim = claim.removeprefix("Claim:").strip()
        check = Check(claim, rest[0], "".join(rest[1:])) if rest else Check(passage, claim)
        found.setdefault(folded(check.question), check)
    return list(found.values())


def in_one(checks: Sequence[Check], passage: str) -> Check:
    """Several checks as one of a whole passage, which asks all their questions."""
    asked = listing(one.question for one in checks)
    return Check(passage, f"Answer each of these questions in a line of its own, with its number:\n{asked}")


async def compared(checks: Sequence[Check], prompt: Prompt, session: Session) -> list[Check]:
    """Each claim beside what was found: consistent, inconsistent or partially so."""
    reader = ChainOfThought(stages=1, one_stage=prompt)
    asked = [Problem(one.question, VERDICT, inputs={"claim": one.claim, "found": one.found}) for one in checks]
    lanes = session.lanes(len(asked), "claim")
    said = await together([lane.solve(reader, one) for lane, one in zip(lanes, asked, strict=True)])
    return [one.judged(answer) for one, answer in zip(checks, said, strict=True)]
