"""Verdicts of judging replies: the candidate that a ballot names, and the score of a state."""

from __future__ import annotations

import re

MAX_SCORE = 10

# "The best choice is 2", "Candidate 2 is the best choice", "I choose **Plan 2**"; not "between 1 and 2", "2 or 3".
_THING = r"(?:choice|candidate|option|plan|passage|text|solution|path|response|one)"
_WORDS = r"(?:(?!\bnot\b|\bneither\b|\bbetween\b)[^\d\n.]){0,30}"
_ONE = r"(\d{1,4})(?![\w%]|[.,/]\d|[*_\s]{0,4}(?:,|or|and|/|&|to|[-–])[*_\s]{0,4}#?(?:candidate )?\d)"
_CHOSEN = re.compile(
    rf"best[ _]{_THING}[*_\"]{{0,3}}(?:\s(?:is|would be|remains)|[:：=]){_WORDS}{_ONE}"
    rf"|(?<!\w){_THING}\s?[#*_]{{0,3}}(\d{{1,4}})[*_]{{0,3}},?\s(?:is|would be|remains)\s{{1,3}}(?:\w{{2,12}}\s){{0,2}}"
    rf"(?:best|strongest|most (?:promising|coherent))"
    rf"|\b(?:I|we)(?: would)? (?:choose|pick|select|vote for|prefer)\b{_WORDS}{_ONE}"
    rf"|\bmy (?:choice|vote|pick) (?:is|goes to)\b{_WORDS}{_ONE}",
    re.IGNORECASE,
)
_ALONE = re.compile(rf"\W{{0,8}}(?:boxed\W{{0,3}})?(?:{_THING}\s)?\W{{0,4}}(\d{{1,4}})\W{{0,8}}", re.IGNORECASE)

_OF_TEN = r"(\d{1,2}(?:[.,]\d{1,2})?)[*_]{0,3}(?:\s?(?:/|out of|of)\s?10(?!\d))?(?![\d%/]|[.,]\d|\s?(?:[-–]|to)\s?\d)"
_SCORE = re.compile(
    rf"(?:score|rating|rate (?:it|this|them)(?: (?:as|with|at|an?)){{0,2}})\W{{0,6}}(?:(?:is|of)\W{{0,4}})?"
    rf"(?:\(?(?:from )?1(?:\W{{1,4}}| to )10\W{{1,4}})?{_OF_TEN}(?!\s?\((?:hopeless|incoherent))",
    re.IGNORECASE,
)
_SCORE_ALONE = re.compile(rf"\W{{0,8}}(?:boxed\W{{0,3}})?{_OF_TEN}\W{{0,8}}", re.IGNORECASE)


def parse_choice(reply: str, candidates: int) -> int | None:
    """Return the index, from 0, of the candidate that a ballot names, or None.

    The last statement counts, else a last line that is a number. A number outside the candidates,
    or several of them, is no choice.
    """
    stated = [next(filter(None, match.groups())) for match in _CHOSEN.finditer(reply)]
    alone = None if stated else _ALONE.fullmatch(reply.strip().rpartition("\n")[2])
    number = int(stated[-1]) if stated else int(alone[1]) if alone else 0
    return number - 1 if 1 <= number <= candidates else None


def parse_score(reply: str) -> float | None:
    """Return the score from 1 to 10 that a reply states, or None.

    A score on the first line counts, else the last one: "Score: 8", "**8/10**", "8 out of 10", "I
    rate this a 7", a box, or a number alone on the first or last line. A range, a percentage, a
    number outside 1 to 10 and the scale itself are no score.
    """
    lines = [line.strip() for line in reply.splitlines() if line.strip()]
    if not lines:
        return None
    found = _SCORE.search(lines[0]) or _SCORE_ALONE.fullmatch(lines[0])
    stated = found[1] if found else next(iter(_SCORE.findall(reply)[::-1]), None)
    if stated is None and (alone := _SCORE_ALONE.fullmatch(lines[-1])):
        stated = alone[1]
    score = float(stated.replace(",", ".")) if stated else 0.0
    return score if 1 <= score <= MAX_SCORE else None
