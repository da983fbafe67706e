"""Paraphrase matching: questions of a pool that ask the same, or the same about other numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable
from decimal import Decimal
from functools import lru_cache

from reasoning.kinds.number_words import parse_number_words
from reasoning.strategies.reply_parsing import normalize_question

_WORD = re.compile(r"[^\W\d_]+")
NUMBER = re.compile(r"\d+(?:,\d{3})*+(?:\.\d+)?")
# A capital within a sentence.
_NAME = re.compile(r"(?<=[a-z0-9,;:] )(?!I\b)[A-Z]\w*")
# The first word of a sentence.
_FIRST = re.compile(r"(?:^|[.?!]\s+)([A-Z]\w*)")
_NO_NAMES = {"who", "whom", "whose", "what", "which", "how", "when", "where", "why", "is", "are", "do", "does", "did"}
_NO_NAMES |= {"a", "an", "the", "this", "these", "there", "each", "every", "if", "in", "on", "at", "for", "of", "from"}
_NUMBER_NOUNS: dict[str, float] = {"twice": 2, "double": 2, "doubled": 2, "triple": 3, "tripled": 3, "dozen": 12}
# `parse_number_words` parses these only after a number.
_NUMBER_NOUNS |= {"third": 1 / 3, "quarter": 1 / 4, "fourth": 1 / 4, "fifth": 1 / 5}
_MAX_SPELLED_CHARS = 200
"""Maximum length of a number in words."""
_NOT = re.compile(
    r"n['’]t\b|\b(?:not|no|never|none|nobody|nothing|neither|without|cannot|except|false|untrue|wrong|incorrect)\b",
    re.IGNORECASE,
)
_THAN = re.compile(r"\b(than|before|after)\s+(?:the\s|an?\s)?(\w+(?:[.,]\d+)*)", re.IGNORECASE)
_LESS = re.compile(
    r"\b(?:less|fewer|(?:small|young|low|slow|light|cheap|earli|soon|weak|poor|cold|cool|near|clos|narrow|short)e?r|worse)"
    r"\b[^.?!]{0,60}$",
    re.IGNORECASE,
)
_WORD_OR_NUMBER = re.compile(r"\w+(?:[.,]\d+)*")
_CACHE_SIZE = 1 << 16
"""Maximum number of questions whose words and numbers are cached."""


def same_parameters(a: str, b: str) -> bool:
    """Return whether two questions have the same parameters.

    They have the same numbers, in digits or words and equally often, and the same names; and
    neither negates the other or swaps the sides of a comparison.
    """
    return _same_values_and_names(a, b) and not _negated(a, b) and not _swapped(a, b)


def paraphrases(question: str, pool: Iterable[str], alike: float) -> list[str]:
    """Return the paraphrases of a question in a pool, nearest first and without duplicates.

    A question without a number or a name has none: nothing tells which differing words matter.

    Args:
        question: the question.
        pool: the other questions.
        alike: minimum share of common words, from 0 to 1.
    """
    if not parse_numbers(question) and not _NAME.search(question):
        return []
    return _nearest(question, (candidate for candidate in pool if same_parameters(candidate, question)), alike)


def analogues(question: str, pool: Iterable[str], alike: float, limit: int) -> list[str]:
    """Return questions of a pool that differ only in their parameters, nearest first, in one wording each.

    Args:
        question: the question.
        pool: the other questions.
        alike: minimum share of common words, from 0 to 1.
        limit: maximum number of analogues.
    """
    chosen: list[str] = []
    candidates = (
        candidate
        for candidate in pool
        if not _same_values_and_names(candidate, question) and not _negated(candidate, question)
    )
    for candidate in _nearest(question, candidates, alike):
        if len(chosen) == limit:
            break
        if not any(same_parameters(candidate, earlier) for earlier in chosen):
            chosen.append(candidate)
    return chosen


def _nearest(question: str, pool: Iterable[str], alike: float) -> list[str]:
    scored = [(similarity, candidate) for candidate in pool if (similarity := _dice(question, candidate)) >= alike]
    distinct: dict[str, str] = {}
    for _, candidate in sorted(scored, key=lambda pair: -pair[0]):
        distinct.setdefault(normalize_question(candidate), candidate)
    distinct.pop(normalize_question(question), None)
    return list(distinct.values())


def _dice(a: str, b: str) -> float:
    """Return the share of common words of two questions, from 0 to 1 (Dice coefficient), without digits."""
    words_a, words_b = _words(a), _words(b)
    return 2 * len(words_a & words_b) / max(len(words_a) + len(words_b), 1)


@lru_cache(_CACHE_SIZE)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


@lru_cache(_CACHE_SIZE)
def parse_numbers(text: str) -> Counter[Decimal | float]:
    """Return the numbers of a question by value, in digits or in words."""
    numbers: Counter[Decimal | float] = Counter(Decimal(digits.replace(",", "")) for digits in NUMBER.findall(text))
    end = 0
    for word in _WORD.finditer(text):
        if (start := word.start()) < end:
            continue
        parsed = parse_number_words(text[start : start + _MAX_SPELLED_CHARS])
        # "one" may be a pronoun.
        if not isinstance(parsed, tuple) and word[0].lower() != "one":
            # In a range, or a word such as "six-pack".
            parsed = parse_number_words(word[0])
        if isinstance(parsed, tuple):
            numbers[parsed[0]] += 1
            end = start + parsed[1]
        elif value := _NUMBER_NOUNS.get(word[0].lower().removesuffix("s")):
            numbers[value] += 1
    return numbers


def _same_values_and_names(a: str, b: str) -> bool:
    return parse_numbers(a) == parse_numbers(b) and _has_names_of(a, b) and _has_names_of(b, a) and not _renamed(a, b)


def _renamed(a: str, b: str) -> bool:
    """Return whether two questions differ only in sentence-initial words, which are then taken for names."""
    only_a, only_b = _words(a) - _words(b), _words(b) - _words(a)
    return bool(only_a and only_b) and only_a <= _first(a) and only_b <= _first(b)


def _first(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _FIRST.findall(text)) - _NO_NAMES


def _negated(a: str, b: str) -> bool:
    """Return whether one question has an odd number of negations more than the other."""
    return (len(_NOT.findall(a)) - len(_NOT.findall(b))) % 2 == 1


def _swapped(a: str, b: str) -> bool:
    """Return whether names or numbers swap places: after "than", or among the same words not joined by "or"."""
    sides_a, sides_b = _sides(a), _sides(b)
    if not sides_a <= sides_b and not sides_b <= sides_a:
        ((value_a, less_a), *rest_a), ((value_b, less_b), *rest_b) = sides_a, sides_b
        return bool(rest_a or rest_b) or value_a == value_b or less_a == less_b
    names = {*_NAME.findall(a), *_NAME.findall(b)}
    (words_a, values_a), (words_b, values_b) = (_split_values(text, names) for text in (a, b))
    return words_a == words_b and values_a != values_b and not {"or", "and"} & set(words_a)


def _sides(text: str) -> Counter[tuple[object, bool]]:
    """Return the names and numbers that something is compared with, and whether it is to be less than they are."""
    sides: Counter[tuple[object, bool]] = Counter()
    for match in _THAN.finditer(text):
        compared_with: object = next(iter(parse_numbers(match[2])), None) or (
            match[2] if match[2][0].isupper() else None
        )
        if compared_with is not None:
            before = text[max(0, match.start() - 80) : match.start()]
            sides[
                compared_with,
                match[1].lower() == "before" or (match[1].lower() == "than" and bool(_LESS.search(before))),
            ] += 1
    return sides


def _split_values(text: str, names: Container[str]) -> tuple[list[str], list[str]]:
    """Return the words of a question with gaps for names and numbers, and these in order."""
    words, values = [], []
    for word in _WORD_OR_NUMBER.findall(text):
        if gap := word in names or word[0].isdigit():
            values.append(word)
        words.append("" if gap else word.lower())
    return words, values


def _has_names_of(a: str, b: str) -> bool:
    """Return whether `b` contains every name of `a`."""
    return set(_NAME.findall(a)) <= set(re.findall(r"\w+", b))
