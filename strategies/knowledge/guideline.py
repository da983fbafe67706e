"""Prompting with an annotation guideline and rules from an analysis of errors (Hu et al. 2024, arXiv 2303.16416)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from reasoning.answer import Answer, Answered
from reasoning.branches import gather
from reasoning.errors import UsageError
from reasoning.kinds import Choice, Kind, Label
from reasoning.problem import AnyOf, Example, Problem
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
    user or from `fit`. The paper marks entities in a copy of the text; here the kind of the problem
    defines the form of an answer.

    Args:
        task: the task, in one sentence.
        guideline: the annotation guideline.
        terms: definitions by term, or a file with them. Those that occur in the question or are
            answer labels are shown.
        errors: rules against mistakes that were made before.
        max_rules: number of mistakes, most frequent first, for which `fit` asks for a rule.

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
    max_tokens: int = 256
    demonstrations: DemonstrationSource = None
    guided: Prompt = GUIDED
    rule: Prompt = RULE

    def __post_init__(self) -> None:
        self.check_parameters(shots=0, max_rules=1, max_tokens=1)
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

        It makes one call per example and one per rule. A mistake is a pair of a wrong and a correct
        answer. A pair that occurs more than once gets a rule, which a model writes from up to three
        cases. Labels therefore get rules; numbers and free texts, whose errors hardly repeat,
        rarely do. Unparsed answers teach nothing, and an empty reply gives no rule. The paper's
        authors sort the mistakes (missed, spurious, boundary, wrong type) and write the rules by
        hand.

        Args:
            pool: examples with known answers.
            session: the session to ask with.
        """
        branches = session.fork("example", [example.problem.values()["problem"] for example in pool])
        answers = await gather(
            [branch.solve(self, example.problem) for branch, example in zip(branches, pool, strict=True)]
        )
        mistakes: dict[tuple[str, str], list[str]] = defaultdict(list)
        for example, answer in zip(pool, answers, strict=True):
            if isinstance(answer, Answered) and not example.score(answer.value):
                answered, correct = (_describe(example.problem.kind, value) for value in (answer.value, example.target))
                mistakes[answered, correct].append(
                    f"{example.problem.values()['problem']}\nGiven: {answered}\nRight: {correct}"
                )
        frequent = sorted((cases for cases in mistakes.values() if len(cases) > 1), key=len, reverse=True)
        prompts = [self.rule.fill(cases="\n\n".join(cases[:3])) for cases in frequent[: self.max_rules]]
        branches = session.fork("rule", prompts)
        replies = await gather([branch.ask(turns) for branch, turns in zip(branches, prompts, strict=True)])
        rules = [_RULE.sub("", reply.text.strip()) for reply in replies if not reply.truncated]
        return self.replace(errors=(*self.errors, *(rule for rule in rules if rule)))


def _describe(kind: Kind, value: object) -> str:
    """Describe an answer or a target in words; an option by its text, since its letter differs between questions."""
    if isinstance(value, AnyOf):
        return " or ".join(_describe(kind, one) for one in value.answers)
    text = value if isinstance(value, str) else kind.show(value)
    option_texts = dict(zip(kind.labels, kind.options, strict=False)) if isinstance(kind, Choice) else {}
    label_names = kind.options if isinstance(kind, Label) else ()
    return option_texts.get(text) or next((name for name in label_names if name.casefold() == text.casefold()), text)
