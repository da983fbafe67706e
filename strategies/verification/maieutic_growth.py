"""The calls that grow the trees of maieutic prompting, those of one step for all trees at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.in_forks import for_each
from reasoning.strategies.verification.beliefs import BeliefSource, ask_belief
from reasoning.strategies.verification.maieutic_tree import Claim, Proposition
from reasoning.strategies.verification.statements import key_of, negated, parse_reason, parse_statement

REDRAWS = 1
"""The rounds in which explanations that repeat others or are not sentences are drawn again."""


Label = Literal["true", "false"]
LABELS: tuple[Label, ...] = ("true", "false")


class Leaf(NamedTuple):
    """A proposition that is to be explained, and the label that is given first."""

    proposition: Proposition
    label: Label


class Draft(NamedTuple):
    """A statement that is to be judged, and the proposition that it explains."""

    statement: str
    parent: Proposition | None


@dataclass(frozen=True)
class Growth:
    """The prompts and settings of the calls; see `Maieutic`."""

    state: Prompt
    explain: Prompt
    negate: Prompt
    believe: Prompt
    belief: BeliefSource
    belief_samples: int
    by_margin: bool
    max_tokens: int

    async def make_roots(self, problem: Problem, claims: Sequence[Claim], session: Session) -> list[Proposition]:
        """Return the judged statements of the answers. A failed call fails, since it would decide the answer."""

        async def ask(claim: Claim, fork: Session) -> Draft:
            reply = await fork.ask(self.state.render(problem, claim=claim.text), temperature=0)
            return Draft(parse_statement(reply.text) or f"{problem.question} {claim.text}", None)

        drafts = await for_each(claims, ask, session, "option", required=True)
        return await self.judge([draft for draft in drafts if draft], problem, session, required=True)

    async def grow(
        self,
        known: Sequence[Proposition],
        level: int,
        width: int,
        temperature: float,
        problem: Problem,
        session: Session,
    ) -> list[Proposition]:
        """Explain each leaf that is not integral as true and as false, and return the judged explanations.

        An explanation that its tree has already is left out.

        Args:
            known: all propositions so far.
            level: the level of the explanations, from 1; the leaves are one level above.
            width: the explanations for each label.
            temperature: temperature of the explanations; at 0 nothing is drawn again.
            problem: the problem, whose context is shown.
            session: the session.
        """

        async def ask(leaf: Leaf, fork: Session) -> list[str]:
            statement, reasons = leaf.proposition.statement, dict[str, str]()
            turns = self.explain.render(problem, passage=passage_of(problem), statement=statement, label=leaf.label)
            for _ in range(REDRAWS + 1 if temperature else 1):
                if missing := width - len(reasons):
                    replies = await fork.sample(turns, missing, temperature=temperature, max_tokens=self.max_tokens)
                    found = (parse_reason(reply, statement) for reply in replies)
                    reasons = {**{key_of(reason): reason for reason in found if reason}, **reasons}
            return list(reasons.values())

        leaves = [one for one in known if one.level == level - 1 and not one.is_integral]
        explained = [Leaf(leaf, label) for leaf in leaves for label in LABELS]
        reasons = await for_each(explained, ask, session, "explanation")
        seen = {(id(one.root), key_of(one.statement)) for one in known}
        drafts = []
        for (leaf, _), found in zip(explained, reasons, strict=True):
            for reason in found or ():
                if (key := (id(leaf.root), key_of(reason))) not in seen:
                    seen.add(key)
                    drafts.append(Draft(reason, leaf))
        return await self.judge(drafts, problem, session)

    async def judge(
        self, drafts: Sequence[Draft], problem: Problem, session: Session, *, required: bool = False
    ) -> list[Proposition]:
        """Return the propositions of statements: with their negations, and the beliefs in both."""

        async def deny(draft: Draft, fork: Session) -> str:
            turns = self.negate.render(problem, statement=draft.statement)
            return (await fork.ask(turns, temperature=0, max_tokens=self.max_tokens)).text

        async def believe(statement: str, fork: Session) -> float | None:
            turns = self.believe.render(problem, passage=passage_of(problem), statement=statement)
            return await ask_belief(turns, fork, self.belief, self.belief_samples, self.max_tokens)

        replies = await for_each(drafts, deny, session, "negation", required=required)
        statements = [draft.statement for draft in drafts]
        negations = [negated(statement, reply or "") for statement, reply in zip(statements, replies, strict=True)]
        beliefs = await for_each([*statements, *negations], believe, session, "belief", required=required)
        both = zip(beliefs[: len(drafts)], beliefs[len(drafts) :], strict=True)
        return [
            Proposition.judged(draft.statement, negation, belief, opposite, self.by_margin, draft.parent)
            for draft, negation, (belief, opposite) in zip(drafts, negations, both, strict=True)
        ]


def passage_of(problem: Problem) -> str:
    """Return the passage and the table that a problem is about; empty without any."""
    values = problem.values()
    return "\n\n".join(filter(None, (values["context"], values["table"])))
