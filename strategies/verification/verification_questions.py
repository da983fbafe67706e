"""A claim under check: the question that finds the fact out, what was found, and how the two compare."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reasoning.answer import Answer, Answered
from reasoning.branches import gather
from reasoning.kinds import Items, Kind, Text
from reasoning.kinds.label import Label
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.reply_parsing import format_numbered, normalize_question, parse_items
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy

COMPARE = Prompt(
    objective="Compare a claim with what a source says.",
    input="Claim: {claim}\n\nThe source was asked: {question}\nThe source says: {found}",
    recap="Is the claim consistent with the source, inconsistent, or partially consistent? If partially, first write "
    "the part that is consistent. {instruction}",
)
VERDICT = Label(("consistent", "inconsistent", "partially consistent"))

_LABEL = r"(?:(?:claim|fact|question|answer) ?\d{0,2}:)?+"
_ARROW = re.compile(rf"(?:=>|->|→|\|)[\s*_]*+{_LABEL}|\bquestion ?\d{{0,2}}:", re.IGNORECASE)
_BEFORE = re.compile(rf"\A[\s*_]*+{_LABEL}[\s*_]*+", re.IGNORECASE)
_OPEN = "who|whom|whose|what|when|where|which|why|how"
_SENTENCE = re.compile(  # where one begins: behind a full stop that no title and no initial has, before a question word
    r"(?<!\b(?:Dr|Mr|Ms|St|Jr|Sr|Mt|No))(?<!\b(?:Mrs|Rev|Gen|Col))(?<!\bProf)"
    rf"(?:(?<!\b[A-Z])[.!?][*)\"']*+\s++(?=[\"'(]?[A-ZÀ-Þ])|(?:[.!?;:][*)\"']*+\s++|\s[-–—]\s++|\()(?=(?i:{_OPEN})\b))"
)
_NAME = 3  # words: so few state nothing, and a question may have them


@dataclass(frozen=True)
class ClaimCheck:
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

    def with_verdict(self, answer: Answer) -> ClaimCheck:
        """With its verdict. One that cannot be read is partial, and the claim stands if what was found has it."""
        if not isinstance(answer, Answered):
            contained = Text().key(self.claim) in Text().key(self.found)
            return replace(self, verdict="partially consistent", stands=contained)
        partial = answer.value == "partially consistent"  # which part, the reply says
        return replace(self, verdict=answer.text if partial else answer.value, stands=answer.value == "consistent")

    def __str__(self) -> str:
        compared = f"\n  The claim {self.claim!r}: {self.verdict}" if self.verdict else ""
        return f"- {self.question}\n  {self.found}{compared}"


def split_passages(text: str, kind: Kind, most: int) -> list[str]:
    """The parts of a text that is itself the answer, at its empty lines; every other answer is one part."""
    whole = isinstance(kind, Text) and kind.whole
    return re.split(r"\s*\n\s*\n\s*", text.strip(), maxsplit=most - 1) if whole and most > 1 else [text]


def claims_that_stand(checks: Sequence[ClaimCheck], kind: Kind) -> str:
    """The claims that stand, as an answer of the kind; empty where there is none, or a kind that has no claims."""
    claims = [one.claim for one in checks if one.stands]
    if not claims or not isinstance(kind, Items | Text):
        return ""
    return json.dumps(claims, ensure_ascii=False) if isinstance(kind, Items) else " ".join(claims)


def parse_plan(plan: str, passage: str, *, answers: bool = False) -> list[ClaimCheck]:
    """The claims and questions of a plan, with their answers where it has them; each question once.

    A question ends in a question mark, and is cut to its last sentence, so that a claim before it is not asked with it;
    one that has the claim or the passage in it all the same is none. Pairs may be the other way round.

    Args:
        plan: lines such as `1. claim => question`; where none of the items is a check, its bare lines.
        passage: the claim of a line that has only a question.
        answers: whether the lines have answers, behind their questions.
    """
    found: dict[str, ClaimCheck] = {}
    bare = "\n".join(f"- {line}" for line in plan.splitlines() if not parse_items(line))
    for items in (parse_items(plan), parse_items(bare)):
        for check in filter(None, (_check(item, passage, answers) for item in items)):
            found.setdefault(normalize_question(check.question), check)
        if found:
            break
    return list(found.values())


def _check(item: str, passage: str, answers: bool) -> ClaimCheck | None:
    """The check that an item is; None where it asks nothing, or gives away what it asks for."""
    parts = (_BEFORE.sub("", part, count=1).rstrip(" *_|") for part in _ARROW.split(item, maxsplit=2))
    first, second, found, *_ = [*filter(None, parts), "", "", ""]
    if _asks(first) and answers and not found:
        first, second, found = "", first, second
    elif _asks(first):
        first, second = ("" if _asks(second) else second), first
    found = (Text().parse(found) or "") if answers else ""  # one who does not know has found nothing
    if not _asks(second):
        return None
    cut = max((match.end() for match in _SENTENCE.finditer(second)), default=0)
    claim, question = first or second[:cut].rstrip(" *_(") or passage, second[cut:].rstrip(")")
    asked = normalize_question(question)
    said = (normalize_question(one) for one in {claim, passage})
    return None if any(one in asked and one.count(" ") >= _NAME for one in said) else ClaimCheck(claim, question, found)


def _asks(part: str) -> bool:
    return part.rstrip(")\"'").endswith(("?", "？"))


def merge_checks(checks: Sequence[ClaimCheck], passage: str) -> ClaimCheck:
    """Several checks as one of a whole passage, which asks all their questions."""
    asked = format_numbered(one.question for one in checks)
    return ClaimCheck(passage, f"Answer each of these questions in a line of its own, with its number:\n{asked}")


async def answer_questions(
    checks: Sequence[ClaimCheck], verifier: Strategy, problem: Problem, session: Session
) -> list[ClaimCheck]:
    """Each with what a verifier who has not seen the passage finds: nothing where it does not know, or fails."""
    asked = [  # several questions in one have an answer of several lines
        Problem(one.question, Text(whole="\n" in one.question), context=problem.context, table=problem.table)
        for one in checks
    ]
    lanes = session.branches(len(asked), "question")
    said = await gather([lane.solve(verifier, one) for lane, one in zip(lanes, asked, strict=True)])
    return [replace(one, found=_found(answer, pose)) for one, answer, pose in zip(checks, said, asked, strict=True)]


def _found(answer: Answer, asked: Problem) -> str:
    """What was answered; of several answers that were cut off, those before the cut."""
    several = isinstance(asked.kind, Text) and asked.kind.whole
    return str(answer.value or "") or (answer.text.rpartition("\n")[0] if several else "")


async def compare_claims(checks: Sequence[ClaimCheck], prompt: Prompt, session: Session) -> list[ClaimCheck]:
    """Each claim beside what was found: consistent, inconsistent or partially so."""
    reader = ChainOfThought(stages=1, one_stage=prompt)
    asked = [Problem(one.question, VERDICT, inputs={"claim": one.claim, "found": one.found}) for one in checks]
    lanes = session.branches(len(asked), "claim")
    said = await gather([lane.solve(reader, one) for lane, one in zip(lanes, asked, strict=True)])
    return [one.with_verdict(answer) for one, answer in zip(checks, said, strict=True)]
