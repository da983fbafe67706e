"""Error analysis: the mistakes in answers to examples, grouped, and the development score."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

from reasoning.answer import Answer, Answered
from reasoning.kinds import Choice, Kind, Label, Span, SpanMatches, Spans
from reasoning.kinds.phrasing import is_refusal
from reasoning.problem import AnyOf, Example, accepted_answers

_LABEL = re.compile(r"\W{0,6}(?:new |general )?rule\b(?: \d{1,2})?\W{0,4}:\W{0,6}(?=\w)", re.IGNORECASE)
_HEADING = re.compile(r"\W{0,8}(?:(?:new |general )?rule\W{0,4})?|.{0,200}:\W{0,3}", re.IGNORECASE)
_BULLET = re.compile(r"(?:[-*•>]|\d{1,2}[.)])\s+")


def frequent_mistakes(pool: Sequence[Example], answers: Sequence[Answer]) -> list[list[str]]:
    """Return descriptions of the mistakes that were made more than once, in groups, the largest group first.

    A group is a pair of a wrong and a correct answer. For spans it is a bucket of the paper with a
    label: missed, spurious, other ends, wrong label. Unparsed answers are in no group.

    Args:
        pool: the examples.
        answers: the answer to each.
    """
    groups: dict[Hashable, list[str]] = defaultdict(list)
    for example, answer in zip(pool, answers, strict=True):
        if not isinstance(answer, Answered) or example.score(answer.value):
            continue
        kind = example.problem.kind
        if isinstance(kind, Spans):
            expected = kind.target(accepted_answers(example.target)[0])
            for group, mistake in _span_mistakes(answer.value, expected):
                groups[group].append(f"{kind.text}\nMistake: {mistake}")
        else:
            answered, correct = (_describe(kind, value) for value in (answer.value, example.target))
            question = example.problem.values()["problem"]
            groups[answered, correct].append(f"{question}\nGiven: {answered}\nRight: {correct}")
    return sorted((cases for cases in groups.values() if len(cases) > 1), key=len, reverse=True)


def development_score(pool: Sequence[Example], answers: Sequence[Answer]) -> float:
    """Return the share of right answers, or the exact F1 over all spans if all examples ask for spans.

    Args:
        pool: the examples.
        answers: the answer to each.
    """
    values = [answer.value if isinstance(answer, Answered) else None for answer in answers]
    matches = [
        kind.count_matches(value or (), kind.target(accepted_answers(example.target)[0]))
        for example, value in zip(pool, values, strict=True)
        if isinstance(kind := example.problem.kind, Spans)
    ]
    if len(matches) == len(pool):
        return SpanMatches(*map(sum, zip(*matches, strict=True))).exact_f1 or 0.0
    return sum(example.score(value) for example, value in zip(pool, values, strict=True)) / len(pool)


def _span_mistakes(found: Sequence[Span], expected: Sequence[Span]) -> Iterator[tuple[Hashable, str]]:
    """Yield the group and the description of each mistake in the spans of one text."""
    for span in set(expected) - set(found):
        overlapping = [other for other in found if other.start < span.end and span.start < other.end]
        same = next((other for other in overlapping if other.label == span.label), None)
        if same:
            yield ("ends", span.label), f'"{same.text}" was marked as {span.label}, right is "{span.text}"'
        elif overlapping:
            other = overlapping[0]
            yield (
                ("label", other.label, span.label),
                f'"{other.text}" was marked as {other.label}, right is "{span.text}" as {span.label}',
            )
        else:
            yield ("missed", span.label), f'"{span.text}" was not marked, right is {span.label}'
    for span in found:
        if not any(other.start < span.end and span.start < other.end for other in expected):
            yield ("spurious", span.label), f'"{span.text}" was marked as {span.label}, right is no mark'


def _describe(kind: Kind, value: object) -> str:
    """Describe an answer or a target in words; an option by its text, since its letter differs between questions."""
    if isinstance(value, AnyOf):
        return " or ".join(_describe(kind, one) for one in value.answers)
    text = value if isinstance(value, str) else kind.show(value)
    option_texts = dict(zip(kind.labels, kind.options, strict=False)) if isinstance(kind, Choice) else {}
    label_names = kind.options if isinstance(kind, Label) else ()
    return option_texts.get(text) or next((name for name in label_names if name.casefold() == text.casefold()), text)


def read_rule(reply: str) -> str:
    """Return the rule that a reply states, in one line; empty if it states none.

    That is the text after "Rule:", otherwise the first paragraph. Headings, an introduction that ends
    with a colon, fences, bullets and the markup around the rule are left out.
    """
    lines = [line.strip() for line in reply.strip().split("\n") if not line.strip().startswith(("```", "~~~"))]
    labelled = next((index for index, line in enumerate(lines) if _LABEL.match(line)), None)
    if labelled is not None:
        lines = [_LABEL.sub("", lines[labelled], count=1), *lines[labelled + 1 :]]
    while lines and _HEADING.fullmatch(lines[0]):
        del lines[0]
    end = lines.index("") if "" in lines else len(lines)
    rule = _BULLET.sub("", " ".join(lines[:end]), count=1).strip('*_`"“”„ ')
    return "" if is_refusal(rule) else rule
