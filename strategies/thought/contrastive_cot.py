"""Contrastive chain of thought: right and wrong explanations side by side (Chia et al. 2023, arXiv 2311.09277)."""

from __future__ import annotations

import re

from reasoning.answer import Answer
from reasoning.kinds import Kind, Region, YesNo
from reasoning.kinds.label import Label
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategy import Strategy, technique
from strategies.demonstrations import Given, Worked, with_examples

CONTRAST = Prompt(
    objective="Answer the last question with an explanation and an answer. The wrong explanations only show what to "
    "avoid: write none.",
    input="Question: {problem}\n\nExplanation:",
    turns="single",
)

_WRONG = re.compile(r"wrong\W{1,4}(?:explanation|answer)", re.IGNORECASE)
_VALUE = r"[$€£]?\d+(?:[.,:/]\d+)*%?"
# What is moved around: an equation as one unit, or a value; a quoted text, or a name within a sentence.
_VALUES = re.compile(rf"{_VALUE}(?: [-+*/] {_VALUE}){{1,12}} = {_VALUE}|{_VALUE}")
_TURNS = 20  # so many of them are tried
_NAMES = re.compile(r"\"[^\"\n]{1,40}\"|(?<=[a-z,] )(?<!option )[A-Z][a-z]*|(?<![\w'])(?<!\d )[b-z](?![\w'])")


def shuffled(chain: str) -> str:
    """A chain with its objects at each other's places: values at those of values, names at those of names.

    They go round by as many places as leaves the fewest as they are; an equation is worth what it comes to. No model
    is asked.
    """
    for objects in (_VALUES, _NAMES):
        said = objects.findall(chain)
        turned = [map(_worth, said[by:] + said[:by]) for by in range(min(len(said), _TURNS))]
        changed = [sum(map(str.__ne__, one, map(_worth, said))) for one in turned]
        if any(changed):
            by = changed.index(max(changed))
            moved = iter(said[by:] + said[:by])
            chain = objects.sub(lambda _: next(moved), chain)  # noqa: B023  # used up within the turn
    return chain


def _worth(said: str) -> str:
    return said.rpartition("= ")[2].strip('"')


def wrong_answer(worked: Worked, chain: str, kind: Kind) -> str | None:
    """A wrong answer: another option or label, the other one of yes and no, or what now stands last in the chain."""
    if worked.options:
        labels = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(worked.options)]
        return labels[(labels.find(worked.answer) + 1) % len(labels)]
    others = ["yes", "no"] if isinstance(kind, YesNo) else [*kind.options] if isinstance(kind, Label) else []
    last = [_worth(said) for objects in (_NAMES, _VALUES) for said in objects.findall(chain)]
    right = kind.parse(worked.answer)
    for other in others or reversed(last):
        value = kind.parse(other)
        if value is not None and right is not None and not kind.same(value, right):
            return other
    return None


def contrasted(worked: Worked, kind: Kind) -> Demonstration | None:
    """A question with the right and the wrong way to answer it; None where shuffling changes nothing."""
    chain = shuffled(worked.rationale)
    wrong = wrong_answer(worked, chain, kind)
    if chain == worked.rationale or wrong is None:
        return None
    if worked.options:
        chain = chain.replace(f"option {worked.answer}", f"option {wrong}")
    labelled = f"Answer: {worked.answer}\n\nWrong explanation: {chain}\n\nWrong answer: {wrong}"
    return Demonstration(f"Question: {worked.question}", labelled, f"Explanation: {worked.rationale}")


@technique(
    name="contrastive_cot",
    title="Contrastive chain of thought",
    authors="Chia et al.",
    year=2023,
    arxiv="2311.09277",
    calls="1",
    waves="1",
    needs=("demonstrations",),
    use_when="few-shot chain of thought copies the form of the examples and not their care: GSM8K 69.2 -> 79.0, "
    "Bamboogle 40.8 -> 56.8 (gpt-3.5-turbo); with self-consistency 71.0 -> 86.2",
    avoid_when="the examples' explanations hold fewer than two numbers or names to shuffle, or the model is so small "
    "that it goes on with the wrong explanation: what is shown as wrong is still shown",
    aliases=("contrastive",),
)
class ContrastiveCoT(Strategy):
    """Show each worked problem with its explanation and with one that is wrong.

    The wrong explanation is the right one with its numbers and names shuffled (the paper's "incoherent objects"), made
    here and not by a model; examples in which that changes nothing are passed over. All stands in one user's turn: in
    chat turns the wrong explanation would be the model's own words. A model goes on with a wrong explanation of its
    own: the reply is cut there, and only what comes before it is read.
    """

    shots: int = 4
    demonstrations: Given = None
    prompt: Prompt = CONTRAST

    def __post_init__(self) -> None:
        self.check_parameters(shots=1)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        kind = problem.kind
        prompt = with_examples(
            self.prompt, problem, self.shots, lambda worked: contrasted(worked, kind), self.demonstrations
        )
        reply = await session.ask(prompt.for_(problem), stop=["\nWrong explanation", "\nWrong Explanation"])
        wrong = _WRONG.search(reply.text)
        return problem.read(reply, region=Region(before=wrong[0]) if wrong else None)
