"""Prompting with an annotation guideline and rules from an analysis of errors (Hu et al. 2024, arXiv 2303.16416)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from reasoning.answer import Answer, Answered
from reasoning.branches import gather
from reasoning.errors import UsageError
from reasoning.kinds import Choice, Kind, Label
from reasoning.problem import Example, Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import DemonstrationSource, with_examples
from reasoning.strategies.direct.vanilla import bare
from reasoning.strategies.knowledge.user_knowledge import (
    Terms,
    format_bullets,
    format_terms,
    read_terms,
    read_text,
    terms_used,
)
from reasoning.strategy import Strategy, technique

GUIDED = Prompt(
    objective="{task}",
    instructions="{guidance}",
    input="{problem}",
    recap="{direct_instruction}",
    form="xml",
)
_RULE = re.compile(r"^\W*rule\W*:\W*", re.IGNORECASE)
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
    use_when="there is a guideline by which people do the task, and answers that can be checked to learn from "
    "(clinical entities, relaxed F1, GPT-3.5: 0.63 -> 0.79 and 0.30 -> 0.68 with all parts; each part adds)",
    avoid_when="nobody wrote down what counts as right, or a trained model is at hand: BioClinicalBERT stays ahead "
    "with 0.90 and 0.80 (arXiv 2303.16416)",
    aliases=("guideline",),
)
class GuidelinePrompting(Strategy):
    """One prompt in sections: the task, the terms, the guideline, the rules against known errors, then the question.

    Task, guideline and terms are the user's data, given as they are or as the name of a file; sections that are empty
    are left out, which makes the paper's ablation. The rules (`errors`) are the user's as well, or are made by `fit`.
    The paper marks entities in a copy of the text; here the kind of the problem says what an answer looks like.

    Args:
        task: what to do, in a sentence.
        guideline: the rules by which people do it.
        terms: definitions by term, or a file of them; those that occur, or are labels of the answer, are shown.
        errors: rules that keep from mistakes that were made before.
        max_rules: mistakes, the most frequent first, for which `fit` has a rule written.
    """

    task: str = ""
    guideline: str = ""
    terms: Terms = ""
    errors: Sequence[str] = ()
    shots: int = 0
    max_rules: int = 5
    max_tokens: int = 256
    demonstrations: DemonstrationSource = None
    guided: Prompt = GUIDED
    rule: Prompt = RULE

    def __post_init__(self) -> None:
        self.check_parameters(shots=0, max_rules=1, max_tokens=1)
        if isinstance(self.errors, str) or not all(isinstance(rule, str) for rule in self.errors):
            raise UsageError("guided(errors=…): a list of rules, each a text")

    async def solve(self, problem: Problem, session: Session) -> Answer:
        if not (self.task or self.guideline or self.terms or self.errors):
            raise UsageError("guided has nothing to guide by: give a task, a guideline, terms or errors")
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
        """A copy with rules for the mistakes that it makes on examples: a call for each, and one for each rule.

        A mistake is what was answered where what is right: a pair of both that comes more than once gets a rule, which
        a model writes from up to three cases. So labels get rules; numbers and free texts, which hardly err alike,
        hardly do, and answers that could not be read teach nothing. An empty reply gives none. The paper's authors sort
        the mistakes (missed, spurious, boundary, wrong type) and write the rules by hand.
        """
        lanes = session.fork("example", [one.problem.values()["problem"] for one in pool])
        answers = await gather([lane.solve(self, one.problem) for lane, one in zip(lanes, pool, strict=True)])
        mistakes: dict[tuple[str, str], list[str]] = defaultdict(list)
        for one, answer in zip(pool, answers, strict=True):
            if isinstance(answer, Answered) and not one.score(answer.value):
                given, right = (_shown(one.problem.kind, value) for value in (answer.value, one.target))
                mistakes[given, right].append(f"{one.problem.values()['problem']}\nGiven: {given}\nRight: {right}")
        frequent = sorted((cases for cases in mistakes.values() if len(cases) > 1), key=len, reverse=True)
        prompts = [self.rule.fill(cases="\n\n".join(cases[:3])) for cases in frequent[: self.max_rules]]
        lanes = session.fork("rule", prompts)
        replies = await gather([lane.ask(turns) for lane, turns in zip(lanes, prompts, strict=True)])
        rules = [_RULE.sub("", reply.text.strip()) for reply in replies if not reply.truncated]
        return self.replace(errors=(*self.errors, *(rule for rule in rules if rule)))


def _shown(kind: Kind, value: object) -> str:
    """An answer or a target in words; of options the text, since a letter means another one in each question."""
    shown = value if isinstance(value, str) else kind.show(value)
    texts = dict(zip(kind.labels, kind.options, strict=False)) if isinstance(kind, Choice) else {}
    names = kind.options if isinstance(kind, Label) else ()
    return texts.get(shown) or next((name for name in names if name.casefold() == shown.casefold()), shown)
