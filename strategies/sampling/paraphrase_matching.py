"""Questions of other people: which of them ask the same in other words, and which ask it about other numbers."""

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
_NAME = re.compile(r"(?<=[a-z0-9,;:] )(?!I\b)[A-Z]\w*")  # a capital that no sentence begins with
_FIRST = re.compile(r"(?:^|[.?!]\s+)([A-Z]\w*)")  # a sentence begins with it
_NO_NAMES = {"who", "whom", "whose", "what", "which", "how", "when", "where", "why", "is", "are", "do", "does", "did"}
_NO_NAMES |= {"a", "an", "the", "this", "these", "there", "each", "every", "if", "in", "on", "at", "for", "of", "from"}
_SAID: dict[str, float] = {"twice": 2, "double": 2, "doubled": 2, "triple": 3, "tripled": 3, "dozen": 12}
_SAID |= {"third": 1 / 3, "quarter": 1 / 4, "fourth": 1 / 4, "fifth": 1 / 5}  # `spelled` has them behind a number only
_SPELLED = 200  # characters of the longest number in words
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
_TOLD = re.compile(r"\w+(?:[.,]\d+)*")
_KEPT = 1 << 16  # questions of a pool whose words are remembered


def same_parameters(a: str, b: str) -> bool:
    """Whether two questions have the same numbers, in digits or words, each as often, and the same names, and neither
    is the other's negation or has changed the sides of a comparison."""
    return _alike(a, b) and not _opposite(a, b) and not _swapped(a, b)


def paraphrases(question: str, pool: Iterable[str], alike: float) -> list[str]:
    """Those of the pool that ask the same: equal parameters, similar words; each wording once, the nearest first.

    None for a question without a number or a name: two such differ in a word, and nothing tells which words matter.
    """
    if not parse_numbers(question) and not _NAME.search(question):
        return []
    return _nearest(question, (one for one in pool if same_parameters(one, question)), alike)


def analogues(question: str, pool: Iterable[str], alike: float, most: int) -> list[str]:
    """At most so many of the pool that ask the same about other parameters, in one wording each, the nearest first."""
    found: list[str] = []
    others = (one for one in pool if not _alike(one, question) and not _opposite(one, question))
    for one in _nearest(question, others, alike):
        if len(found) == most:
            break
        if not any(same_parameters(one, other) for other in found):
            found.append(one)
    return found


def _nearest(question: str, pool: Iterable[str], alike: float) -> list[str]:
    scored = [(likeness, one) for one in pool if (likeness := _likeness(question, one)) >= alike]
    distinct: dict[str, str] = {}
    for _, one in sorted(scored, key=lambda pair: -pair[0]):
        distinct.setdefault(normalize_question(one), one)
    distinct.pop(normalize_question(question), None)
    return list(distinct.values())


def _likeness(a: str, b: str) -> float:
    """The words that two questions have in common, from 0 to 1 (Dice); digits are left out."""
    one, other = _words(a), _words(b)
    return 2 * len(one & other) / max(len(one) + len(other), 1)


@lru_cache(_KEPT)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


@lru_cache(_KEPT)
def parse_numbers(text: str) -> Counter[Decimal | float]:
    """The numbers of a question by value, in digits or in words."""
    found: Counter[Decimal | float] = Counter(Decimal(one.replace(",", "")) for one in NUMBER.findall(text))
    end = 0
    for word in _WORD.finditer(text):
        if (start := word.start()) < end:
            continue
        read = parse_number_words(text[start : start + _SPELLED])
        if not isinstance(read, tuple) and word[0].lower() != "one":  # it may be a pronoun
            read = parse_number_words(word[0])  # of a range, of a word such as "six-pack"
        if isinstance(read, tuple):
            found[read[0]] += 1
            end = start + read[1]
        elif value := _SAID.get(word[0].lower().removesuffix("s")):
            found[value] += 1
    return found


def _alike(a: str, b: str) -> bool:
    return parse_numbers(a) == parse_numbers(b) and _named(a, b) and _named(b, a) and not _renamed(a, b)


def _renamed(a: str, b: str) -> bool:
    """Whether two questions differ only in words that sentences begin with: these are names, as far as one can see."""
    one, other = _words(a) - _words(b), _words(b) - _words(a)
    return bool(one and other) and one <= _first(a) and other <= _first(b)


def _first(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _FIRST.findall(text)) - _NO_NAMES


def _opposite(a: str, b: str) -> bool:
    """Whether one of the questions is negated, once or another odd number of times more than the other."""
    return (len(_NOT.findall(a)) - len(_NOT.findall(b))) % 2 == 1


def _swapped(a: str, b: str) -> bool:
    """Whether names or numbers have changed places: behind "than", or in the same words, where no "or" joins them."""
    one, other = _sides(a), _sides(b)
    if not one <= other and not other <= one:
        ((told, less), *more), ((told_there, less_there), *more_there) = one, other
        return bool(more or more_there) or told == told_there or less == less_there
    names = {*_NAME.findall(a), *_NAME.findall(b)}
    (said, places), (said_there, places_there) = (_parted(text, names) for text in (a, b))
    return said == said_there and places != places_there and not {"or", "and"} & set(said)


def _sides(text: str) -> Counter[tuple[object, bool]]:
    """The names and numbers that something is compared with, and whether it is to be less than they."""
    found: Counter[tuple[object, bool]] = Counter()
    for one in _THAN.finditer(text):
        told: object = next(iter(parse_numbers(one[2])), None) or (one[2] if one[2][0].isupper() else None)
        if told is not None:
            before = text[max(0, one.start() - 80) : one.start()]
            found[told, one[1].lower() == "before" or (one[1].lower() == "than" and bool(_LESS.search(before)))] += 1
    return found


def _parted(text: str, names: Container[str]) -> tuple[list[str], list[str]]:
    """The words of a question with its names and numbers left open, and these in their order."""
    said, places = [], []
    for word in _TOLD.findall(text):
        if gap := word in names or word[0].isdigit():
            places.append(word)
        said.append("" if gap else word.lower())
    return said, places


def _named(a: str, b: str) -> bool:
    """Whether every name in `a` stands in `b` too."""
    return set(_NAME.findall(a)) <= set(re.findall(r"\w+", b))
