"""What a model made of a problem that it was to rewrite, and what of the question it lost on the way."""

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
_SAID = re.compile(  # beside the question
    r"\b(?:I(?: am|['’]m| think| believe| guess| feel| hope)|(?i:in my (?:opinion|view)|my guess))\b[^,;.!?\n]*"
)
_START = re.compile(r"(?:^|[.!?:\n])[\s\"'“‘(]*\w+")  # the first word of a sentence is always capitalised
_NAME = re.compile(r"\b(?!I\b)[^\W\d_]\w*")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_QUOTED = re.compile(r"[\"“„]([^\"“”„\n]{1,80})[\"”]|(?<!\w)['‘]([^'‘’\n]{1,80})['’](?!\w)")


class RewrittenProblem(NamedTuple):
    """What the first call made of the problem."""

    context: str
    question: str


def parse_rewrite(text: str, problem: Problem) -> RewrittenProblem | None:
    """The two labelled parts of a reply; None where there is no question. An answer that follows is cut off.

    A label of the problem itself, such as "Question:" in a passage, is none where another one follows.
    """
    said = [(label[1].lower(), label[0] + part, part) for label, part in split_by_labels(text, _LABEL)]
    own = Counter(label[1].lower() for label in _LABEL.finditer(problem.values()["question_only"]))
    parts: dict[str, str] = {}
    for at, (name, whole, part) in enumerate(said):
        if parts and own[name] and any(later == name for later, _, _ in said[at + 1 :]):
            own[name] -= 1
            last = [*parts][-1]
            parts[last] = f"{parts[last]}\n{whole.strip()}"
        else:
            parts.setdefault(name, part)
    context = parts.get("context", "")
    empty = "".join(filter(str.isalnum, context)).casefold() in ("", "none", "na", "empty")
    return RewrittenProblem("" if empty else context, parts["question"]) if parts.get("question") else None


def lost_facts(problem: Problem, found: RewrittenProblem, *, opinions: bool) -> list[str]:
    """The numbers, names and quoted words of what is asked in the end that the rewriting no longer has.

    Args:
        opinions: whether the writer's opinions may go, also as a question behind the one that is asked ("Isn't it …?").
    """
    asked = [one for one in _SENTENCE.findall(problem.question) if opinions and one.endswith("?")]
    return min((_lost(one, found) for one in [*asked, final_question(problem)]), key=len)


def _lost(asked: str, found: RewrittenProblem) -> list[str]:
    asked = _SAID.sub("", asked)
    kept = f"{found.context}\n{found.question}"
    values, words = parse_numbers(kept), set(_NAME.findall(kept.casefold()))
    named = [name for name in _NAME.findall(_START.sub(" ", asked)) if name[0].isupper()]
    quoted = [first or second for first, second in _QUOTED.findall(asked)]
    return [
        *(number for number in NUMBER.findall(asked) if Decimal(number.replace(",", "")) not in values),
        *(name for name in named if name.casefold() not in words),
        *(words for words in quoted if " ".join(words.split()).casefold() not in " ".join(kept.split()).casefold()),
    ]
