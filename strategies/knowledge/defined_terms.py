"""Basic prompting with definitions of the terms in the question (Vatsal & Singh 2024, arXiv 2405.18682)."""

from __future__ import annotations

from reasoning.answer import Answer
from reasoning.errors import UsageError
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.knowledge.user_knowledge import Terms, format_terms, read_terms, terms_used
from reasoning.strategy import Strategy, technique

DEFINED = Prompt(context="{definitions}", input="{problem}", recap="{direct_instruction}")


@technique(
    title="Basic prompting with term definitions",
    authors="Vatsal & Singh",
    year=2024,
    arxiv="2405.18682",
    calls="1",
    rounds="1",
    requires=("terms",),
    use_when="terms have a special meaning in this field or organisation, which the model cannot know",
    avoid_when="the terms are common knowledge: definitions of medical terms brought no real benefit in the paper's "
    "ablation, and a definition that differs from what the model knows can confuse it (arXiv 2405.18682)",
)
class DefinedTerms(Strategy):
    """Define the terms that occur in the question or in its answer labels, and ask for the answer.

    The definitions are the user's; no model is asked for one. A question that contains none of the
    terms is asked as it is, with a note in the trace.

    Args:
        terms: definitions by term, or a TOML or JSON file with them.
        max_tokens: maximum tokens of the answer.

    Source:
        Vatsal & Singh (2024), "Can GPT Redefine Medical Understanding? Evaluating GPT on Biomedical
        Machine Reading Comprehension", arXiv 2405.18682.
    """

    terms: Terms = ""
    max_tokens: int = 64
    defined: Prompt = DEFINED

    def __post_init__(self) -> None:
        self.check_parameters(max_tokens=1)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        if not self.terms:
            raise UsageError("defined_terms: terms must not be empty; give terms={'term': 'what it means'}, or a file")
        used = terms_used(read_terms(self.terms), problem)
        if not used:
            session.note("the question uses none of the terms")
        meanings = f"Terms and what they mean here:\n{format_terms(used)}" if used else ""
        turns = self.defined.render(problem, definitions=meanings)
        return problem.parse(await session.ask(turns, max_tokens=self.max_tokens))
