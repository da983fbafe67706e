"""Rewritten problems: parsing them, and finding facts of the question that a rewriting lost."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from reasoning.problem import Problem
from reasoning.strategies.decomposition.least_to_most import final_question
from reasoning.strategies.reply_parsing import split_by_labels
from reasoning.strategies.sampling.paraphrase_matching import NUMBER, parse_numbers

_LABEL = re.compile(
    r"^\W{0,6}(?:\w{1,12} )?(context|question|answer)\*{0,3}(?: ?\([^()\n]{0,200}\))?\W{0,3}:[*_ ]*", re.M | re.I
)
_OPINION = re.compile(
    r"\b(?:I(?: am|['’]m| think| believe| guess| feel| hope)|(?i:in my (?:opinion|view)|my guess))\b[^,;.!?\n]*"
)
# The first word of a sentence is always capitalised.
_START = re.compile(r"(?:^|[.!?:\n])[\s\"'“‘(]*\w+")
_NAME = re.compile(r"\b(?!I\b)[^\W\d_]\w*")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_QUOTED = re.compile(r"[\"“„]([^\"“”„\n]{1,80})[\"”]|(?<!\w)['‘]([^'‘’\n]{1,80})['’](?!\w)")


class RewrittenProblem(NamedTuple):
    """A problem as a model rewrote it."""

    context: str
    question: str


def parse_rewrite(text: str, problem: Problem) -> RewrittenProblem | None:
    """Parse the two labelled parts of a reply, or return None if there is no question.

    An answer that follows is cut off. A label that occurs in the problem itself, such as
    "Question:" in a passage, does not count if the same label follows later.
    """
    labelled = [(label[1].lower(), label[0] + part, part) for label, part in split_by_labels(text, _LABEL)]
    labels_in_problem = Counter(label[1].lower() for label in _LABEL.finditer(problem.values()["question_only"]))
    parts: dict[str, str] = {}
    for index, (name, with_label, part) in enumerate(labelled):
        if parts and labels_in_problem[name] and any(later == name for later, _, _ in labelled[index + 1 :]):
            labels_in_problem[name] -= 1
            previous = [*parts][-1]
            parts[previous] = f"{parts[previous]}\n{with_label.strip()}"
        else:
            parts.setdefault(name, part)
    context = parts.get("context", "")
    empty = "".join(filter(str.isalnum, context)).casefold() in ("", "none", "na", "empty")
    return RewrittenProblem("" if empty else context, parts["question"]) if parts.get("question") else None


def lost_facts(problem: Problem, rewritten: RewrittenProblem, *, opinions: bool) -> list[str]:
    """Return the numbers, names and quoted words of the final question that a rewriting lost.

    Args:
        problem: the original problem.
        rewritten: the rewriting.
        opinions: whether the writer's opinions may be lost, including a question that follows the
            actual one ("Isn't it …?").
    """
    questions = [sentence for sentence in _SENTENCE.findall(problem.question) if opinions and sentence.endswith("?")]
    return min((_lost(sentence, rewritten) for sentence in [*questions, final_question(problem)]), key=len)


def _lost(question: str, rewritten: RewrittenProblem) -> list[str]:
    question = _OPINION.sub("", question)
    kept = f"{rewritten.context}\n{rewritten.question}"
    values, words = parse_numbers(kept), set(_NAME.findall(kept.casefold()))
    named = [name for name in _NAME.findall(_START.sub(" ", question)) if name[0].isupper()]
    quoted = [first or second for first, second in _QUOTED.findall(question)]
    return [
        *(number for number in NUMBER.findall(question) if Decimal(number.replace(",", "")) not in values),
        *(name for name in named if name.casefold() not in words),
        *(words for words in quoted if " ".join(words.split()).casefold() not in " ".join(kept.split()).casefold()),
    ]
