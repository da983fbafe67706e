"""Contrastive chain of thought: right and wrong explanations together (Chia et al. 2023, arXiv 2311.09277)."""

from __future__ import annotations

import re

from reasoning.answer import Answer
from reasoning.kinds import Region
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import SHIPPED_KINDS, DemonstrationSource, with_examples
from reasoning.strategies.demonstrations.contrastive import contrastive_demonstration
from reasoning.strategy import Strategy, technique

CONTRAST = Prompt(
    objective="Answer the last question with an explanation and an answer. The wrong explanations only show what to "
    "avoid: write none.",
    input="Question: {problem}\n\nExplanation:",
    turns="single",
)

# A label begins a line and is alone there or ends in a colon or a table's bar; or it is the name of a JSON field; or
# it has a capital within a line: "each wrong answer costs 1" and "points for a wrong answer: 2" are no labels.
_PART = r"[\W_]{1,4}(?:explanation|answer|reasoning|solution)"
_END = r"(?:[ _]\d{1,2})?(?: \([^()\n]{1,40}\))?[^\w\n:|\uff1a]{0,5}"
_WRONG = re.compile(
    rf"(?:\A|\n)[^\w\n]{{0,12}}(?:\d{{1,2}}[.)][^\w\n]{{1,5}})?(?:wrong|incorrect|flawed|invalid){_PART}{_END}(?:[:|\uff1a\n]|\Z)"
    rf"|[\"'](?:wrong|incorrect){_PART}[\"']\s?:|(?-i:Wrong){_PART}{_END}[:\uff1a]",
    re.IGNORECASE,
)


@technique(
    name="contrastive_cot",
    title="Contrastive chain of thought",
    authors="Chia et al.",
    year=2023,
    arxiv="2311.09277",
    calls="1",
    rounds="1",
    default_kinds=SHIPPED_KINDS,
    requires=("demonstrations",),
    use_when="few-shot chain of thought copies the form of the examples but not their rigour: GSM8K 69.2 -> 79.0, "
    "Bamboogle 40.8 -> 56.8 (gpt-3.5-turbo); with self-consistency 71.0 -> 86.2",
    avoid_when="your own examples have neither a written wrong explanation nor two numbers or names to shuffle; or the "
    "model is so small that it continues with a wrong explanation: the wrong one is shown, after all",
    aliases=("contrastive",),
    version=2,
)
class ContrastiveCoT(Strategy):
    """Show each worked example with its explanation and with a wrong one.

    The wrong explanation is the right one with its numbers and names shuffled (the paper's
    "incoherent objects"), by code and not by a model. It is shown only if it ends in a wrong answer
    of the kind, or in another option: the wrong answer is the object that then stands in the place
    of the right one. Shuffling makes one for numbers. For yes or no, options, labels and texts it
    rarely does, so the shipped examples have written ones of the same sort (`wrong_rationale` and
    `wrong_answer` of a worked example). Examples with neither are skipped. Shipped examples serve
    numbers, options, yes or no, texts and the labels positive, negative and neutral.

    The labels "Explanation:", "Answer:", "Wrong explanation:" and "Wrong answer:" are the paper's;
    the sentence before the examples, which forbids to write a wrong explanation, is ours. Everything is
    in one user turn: as a chat turn, the wrong explanation would be the model's own words. A model
    may go on to write a wrong explanation; the reply is cut there, and only the part before it is
    parsed.

    Source:
        Chia et al. (2023), "Contrastive Chain-of-Thought Prompting", arXiv 2311.09277.
    """

    shots: int = 4
    demonstrations: DemonstrationSource = None
    prompt: Prompt = CONTRAST

    def __post_init__(self) -> None:
        self.check_parameters(shots=1)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        kind = problem.kind
        prompt = with_examples(
            self.prompt,
            problem,
            self.shots,
            lambda example: contrastive_demonstration(example, kind),
            self.demonstrations,
        )
        reply = await session.ask(prompt.render(problem), stop=["\nWrong explanation", "\nWrong Explanation"])
        wrong = _WRONG.search(reply.text)
        return problem.parse(reply, region=Region(before=wrong[0]) if wrong else None)
