"""Verification questions: claims, the questions that check them, the findings, and their comparison."""

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
from reasoning.retrieval import Passage
from reasoning.session import Session
from reasoning.strategies.reply_parsing import format_numbered
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategies.verification.verification_evidence import is_silent, question_problem
from reasoning.strategy import Strategy

COMPARE = Prompt(
    objective="Compare a claim with what a source says.",
    input="Claim: {claim}\n\nThe source was asked: {question}\nThe source says: {finding}",
    recap="Is the claim consistent with the source, inconsistent, or partially consistent? If partially, first write "
    "the part that is consistent. {instruction}",
)
VERDICT = Label(("consistent", "inconsistent", "partially consistent"))


@dataclass(frozen=True)
class ClaimCheck:
    """The check of one claim.

    Attributes:
        claim: a fact that an answer states.
        question: the question that asks for the fact.
        found: the verifier's answer; empty if it does not know or has not been asked.
        verdict: result of the comparison; for partial consistency, in the words of the reply.
        stands: whether the claim is consistent with the finding.
        evidence: the passages from which the question is answered; empty for none.
    """

    claim: str
    question: str
    finding: str = ""
    verdict: str = ""
    stands: bool = False
    evidence: tuple[Passage, ...] = ()

    def with_verdict(self, answer: Answer) -> ClaimCheck:
        """Return a copy with its verdict.

        If no verdict can be parsed, it is partial, and the claim stands if the finding contains it.
        """
        if not isinstance(answer, Answered):
            contained = Text().key(self.claim) in Text().key(self.finding)
            return replace(self, verdict="partially consistent", stands=contained)
        partial = answer.value == "partially consistent"
        return replace(self, verdict=answer.text if partial else answer.value, stands=answer.value == "consistent")

    def __str__(self) -> str:
        compared = f"\n  The claim {self.claim!r}: {self.verdict}" if self.verdict else ""
        return f"- {self.question}\n  {self.finding}{compared}"


def split_passages(text: str, kind: Kind, limit: int) -> list[str]:
    """Split a text that is itself the answer at its empty lines; any other answer is one part."""
    is_text = isinstance(kind, Text) and kind.whole
    return re.split(r"\s*\n\s*\n\s*", text.strip(), maxsplit=limit - 1) if is_text and limit > 1 else [text]


def claims_that_stand(checks: Sequence[ClaimCheck], kind: Kind) -> str:
    """Return the claims that stand as an answer of the kind; empty without claims, or for other kinds."""
    claims = [check.claim for check in checks if check.stands]
    if not claims or not isinstance(kind, Items | Text):
        return ""
    return json.dumps(claims, ensure_ascii=False) if isinstance(kind, Items) else " ".join(claims)


def merge_checks(checks: Sequence[ClaimCheck], passage: str) -> ClaimCheck:
    """Merge several checks into one of the whole passage, which asks all their questions."""
    questions = format_numbered(check.question for check in checks)
    evidence = dict.fromkeys(found for check in checks for found in check.evidence)
    return ClaimCheck(
        passage,
        f"Answer each of these questions in a line of its own, with its number:\n{questions}",
        evidence=tuple(evidence),
    )


async def answer_questions(
    checks: Sequence[ClaimCheck], verifier: Strategy, problem: Problem, session: Session
) -> list[ClaimCheck]:
    """Let a verifier that has not seen the passage answer each question.

    The finding is empty if the verifier does not know or fails.
    """
    problems = [question_problem(check.question, check.evidence, problem) for check in checks]
    branches = session.branches(len(problems), "question")
    answers = await gather([branch.solve(verifier, check) for branch, check in zip(branches, problems, strict=True)])
    findings = [_finding(answer, question) for answer, question in zip(answers, problems, strict=True)]
    return [
        replace(check, finding="" if check.evidence and is_silent(finding) else finding)
        for check, finding in zip(checks, findings, strict=True)
    ]


def _finding(answer: Answer, question: Problem) -> str:
    """Return the verifier's answer; of several answers that were truncated, those before the cut."""
    multiple = isinstance(question.kind, Text) and question.kind.whole
    return str(answer.value or "") or (answer.text.rpartition("\n")[0] if multiple else "")


async def compare_claims(checks: Sequence[ClaimCheck], prompt: Prompt, session: Session) -> list[ClaimCheck]:
    """Compare each claim with the finding: consistent, inconsistent or partially consistent."""
    reader = ChainOfThought(stages=1, one_stage=prompt)
    problems = [
        Problem(check.question, VERDICT, inputs={"claim": check.claim, "finding": check.finding}) for check in checks
    ]
    branches = session.branches(len(problems), "claim")
    answers = await gather([branch.solve(reader, check) for branch, check in zip(branches, problems, strict=True)])
    return [check.with_verdict(answer) for check, answer in zip(checks, answers, strict=True)]
