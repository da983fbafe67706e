"""Prompting with an annotation guideline and rules from an analysis of errors (Hu et al. 2024, arXiv 2303.16416)."""

from __future__ import annotations

from collections.abc import Sequence

from reasoning.answer import Answer
from reasoning.branches import gather
from reasoning.errors import BudgetExhausted, UsageError
from reasoning.problem import Example, Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import DemonstrationSource, with_examples
from reasoning.strategies.direct.vanilla import bare
from reasoning.strategies.knowledge.error_analysis import development_score, frequent_mistakes, read_rule
from reasoning.strategies.knowledge.user_knowledge import (
    Terms,
    format_bullets,
    format_terms,
    read_terms,
    read_text,
    terms_used,
)
from reasoning.strategy import Strategy, technique
from reasoning.tables import pluralize

GUIDED = Prompt(
    objective="{task}",
    instructions="{guidance}",
    input="{problem}",
    recap="{direct_instruction}",
    form="xml",
)
RULE = Prompt(
    objective="Someone made the same mistake several times. Write the rule that would have prevented it.",
    output_format="One sentence that says what to do, general enough for other cases. No example, no names.",
    input="{cases}",
    recap="Rule:",
)


@technique(
    name="guided",
    title="Guideline and error analysis",
    authors="Hu et al.",
    year=2024,
    arxiv="2303.16416",
    calls="1",
    rounds="1",
    requires=("guideline", "demonstrations if shots > 0"),
    use_when="annotators follow a guideline, and examples with known answers are available to learn from "
    "(clinical entities, relaxed F1, GPT-3.5: 0.63 -> 0.79 and 0.30 -> 0.68 with all parts; each part helps)",
    avoid_when="there is no written standard for correct answers, or a trained model exists: BioClinicalBERT is ahead "
    "with 0.90 and 0.80 (arXiv 2303.16416)",
    aliases=("guideline",),
)
class GuidelinePrompting(Strategy):
    """Prompt in sections: the task, the terms, the guideline, rules against known errors, then the question.

    Task, guideline and terms are the user's data, given as text or as the name of a file. Empty
    sections are left out, which gives the paper's ablations. The rules (`errors`) come from the
    user or from `fit`. As in the paper, entities are marked in a copy of the text if the problem asks
    for `Spans`; for other kinds of answers the kind defines the form.

    Args:
        task: the task, in one sentence.
        guideline: the annotation guideline.
        terms: definitions by term, or a file with them. Those that occur in the question or are
            answer labels are shown.
        errors: rules against mistakes that were made before.
        max_rules: number of mistakes, most frequent first, for which a round of `fit` asks for a rule.
        max_rounds: maximum number of rounds of `fit`. A round whose rules do not raise the score on the
            examples is the last, and its rules are dropped.

    Source:
        Hu et al. (2024), "Improving Large Language Models for Clinical Named Entity Recognition via
        Prompt Engineering", arXiv 2303.16416.
    """

    task: str = ""
    guideline: str = ""
    terms: Terms = ""
    errors: Sequence[str] = ()
    shots: int = 0
    max_rules: int = 5
    max_rounds: int = 3
    max_tokens: int = 256
    demonstrations: DemonstrationSource = None
    guided: Prompt = GUIDED
    rule: Prompt = RULE

    def __post_init__(self) -> None:
        self.check_parameters(shots=0, max_rules=1, max_rounds=1, max_tokens=1)
        if isinstance(self.errors, str) or not all(isinstance(rule, str) for rule in self.errors):
            raise UsageError("guided: errors must be a list of texts")

    async def solve(self, problem: Problem, session: Session) -> Answer:
        if not (self.task or self.guideline or self.terms or self.errors):
            raise UsageError("guided needs at least one of task, guideline, terms or errors")
        used = terms_used(read_terms(self.terms), problem) if self.terms else {}
        parts = {
            "definitions": f"Terms:\n{format_terms(used)}" if used else "",
            "guideline": read_text(self.guideline),
            "errors": f"Mistakes to avoid:\n{format_bullets(self.errors)}" if self.errors else "",
        }
        prompt = with_examples(self.guided, problem, self.shots, bare, self.demonstrations)
        guidance = "\n\n".join(filter(None, parts.values()))
        turns = prompt.render(problem, task=read_text(self.task), guidance=guidance, **parts)
        return problem.parse(await session.ask(turns, max_tokens=self.max_tokens))

    async def _fit(self, pool: Sequence[Example], session: Session) -> GuidelinePrompting:
        """Return a copy with rules against the mistakes that it makes on examples.

        A round sorts the mistakes, lets a model write a rule for each group that has more than one,
        from up to three cases, and answers the examples again with the new rules. It is repeated
        until the score on the examples no longer rises, there is no such group, or `max_rounds` is
        reached. The rules of the best round are kept. If the budget runs out after a round has
        raised the score, the best so far is returned.

        A round makes one call per example and one per rule; one call per example comes before the
        first. Groups are pairs of a wrong and a correct answer, so labels get rules; numbers and free
        texts, whose errors hardly repeat, rarely do. Spans are grouped as in the paper (missed,
        spurious, boundary, wrong type), by label, and their score is the exact F1. Unparsed answers
        teach nothing, and an empty reply gives no rule. The paper's authors write the rules by hand.

        Args:
            pool: examples with known answers.
            session: the session to ask with.
        """
        best, answers = self, await self._answers(pool, session)
        score = development_score(pool, answers)
        session.note(f"before the first round: development score {score:.3f}")
        for number in range(1, self.max_rounds + 1):
            try:
                with session.stage(f"round {number}"):
                    rules = await best._write_rules(frequent_mistakes(pool, answers), session)
                    if not rules:
                        break
                    candidate = best.replace(errors=(*best.errors, *rules))
                    answers = await candidate._answers(pool, session)
            except BudgetExhausted as error:
                if best is self:
                    raise
                session.note(f"round {number} was stopped: {error}")
                break
            reached = development_score(pool, answers)
            new = pluralize(len(rules), "new rule")
            session.note(f"round {number} of {self.max_rounds}: development score {reached:.3f} with {new}")
            if reached <= score:
                break
            best, score = candidate, reached
        return best

    async def _answers(self, pool: Sequence[Example], session: Session) -> list[Answer]:
        branches = session.fork("example", [example.problem.values()["problem"] for example in pool])
        return await gather(
            [branch.solve(self, example.problem) for branch, example in zip(branches, pool, strict=True)]
        )

    async def _write_rules(self, groups: Sequence[Sequence[str]], session: Session) -> list[str]:
        """Return a rule against each group of mistakes, without those that it has already."""
        prompts = [self.rule.fill(cases="\n\n".join(cases[:3])) for cases in groups[: self.max_rules]]
        branches = session.fork("rule", prompts)
        replies = await gather([branch.ask(turns) for branch, turns in zip(branches, prompts, strict=True)])
        rules = [read_rule(reply.text) for reply in replies if not reply.truncated]
        return [rule for rule in dict.fromkeys(rules) if rule and rule not in self.errors]
