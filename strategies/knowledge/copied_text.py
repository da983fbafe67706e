"""Search for the part of a context that a quotation copies, exactly or nearly."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

MIN_SHARE = 0.8
"""The share of a quotation's characters that its place in the context must have in the same order."""

_WORD = re.compile(r"\w+|[^\w\s]")
# Dots in place of omitted text.
_CUT = ("[…]", "[...]", "(…)", "(...)")
_OMITTED = re.compile(r"\[(?:…|\.{2,})\]|\((?:…|\.{3,})\)|…|\.{3,}")
_MARKUP = re.compile(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)")
_MARKS = str.maketrans("“”„‘’", '"""\'\'')
_NEGATION = re.compile(r"(?:not|no|never|none|without|cannot|kein\w*|nicht)", re.IGNORECASE)
_MIN_PIECE_WORDS = 3
"""The words of a quotation, or of its parts around omitted text, that may differ; fewer may stand anywhere."""
_MAX_PIECES = 8
"""The parts of a quotation with omitted text."""
_MAX_WORDS = 300
"""The words of a quotation that may differ from its place; a longer one must be an exact copy."""
_MAX_WINDOWS = 8
"""The number of places that are compared with a quotation; fewer if it is long."""
_MAX_CELLS = 300_000
"""The pairs of words that are compared for a quotation, a fraction of a second."""
_GAP_COST = 0.5
"""The cost of a word that a quotation leaves out, in characters."""
_MIN_WORDS = 0.5
"""The share of a quotation's words, by length and in any order, below which a place is not compared."""


def find_in_context(section: str, context: str) -> str | None:
    """Return the part of the context that a section copies, or None if it is not a copy.

    Spaces, case, markup and the form of quotation marks may differ, and dots may stand for omitted
    text at both ends, or between parts of three words and more that follow each other. Otherwise the
    longest common subsequence of words must have at least 0.8 of the section's characters; of a word
    and its abbreviation ("hours", "h") the common beginning counts. A section with another number or
    another negation than its place is not a copy.

    Args:
        section: the quotation.
        context: the text from which it is copied.

    Returns:
        The part in the context's own words; parts around omitted text are joined by " … ".
    """
    if span := _find_exactly(section, context, 0):
        return context[span[0] : span[1]]
    pieces = [piece for piece in _OMITTED.split(section) if re.search(r"\w", piece)]
    shortest = min((len(re.findall(r"\w+", piece)) for piece in pieces), default=0)
    if len(pieces) > _MAX_PIECES or (len(pieces) > 1 and shortest < _MIN_PIECE_WORDS):
        return None
    found: list[str] = []
    start = 0
    for piece in pieces:
        span = _find_exactly(piece, context, start) or _find_nearly(piece, context, start)
        if span is None:
            return None
        found.append(context[span[0] : span[1]])
        start = span[1]
    return " … ".join(found) or None


def _without_dots(section: str) -> str:
    """Return a section without the dots at both ends that stand for omitted text."""
    for mark in _CUT:
        section = section.strip().removeprefix(mark).removesuffix(mark)
    section = section.strip()
    dotted = section.startswith(("…", ".."))
    return (section.lstrip(".… \n") if dotted else section).rstrip(".… \n")


def _find_exactly(section: str, context: str, start: int) -> tuple[int, int] | None:
    words = [word.casefold() for word in _WORD.findall(_without_dots(_MARKUP.sub("", section)).translate(_MARKS))]
    matches = list(_WORD.finditer(context.translate(_MARKS), start))
    joined = "\0".join(["", *(match[0].casefold() for match in matches), ""])
    position = joined.find("\0".join(["", *words, ""])) if words else -1
    if position < 0:
        return None
    first = joined.count("\0", 0, position)
    return matches[first].start(), matches[first + len(words) - 1].end()


def _find_nearly(section: str, context: str, start: int) -> tuple[int, int] | None:
    words = [word.casefold() for word in re.findall(r"\w+", _MARKUP.sub("", section))]
    matches = list(re.finditer(r"\w+", context[start:]))
    if not _MIN_PIECE_WORDS <= len(words) <= _MAX_WORDS:
        return None
    copied = [match[0].casefold() for match in matches]
    chars = sum(map(len, words))
    best: tuple[float, int, int] = (0.0, 0, 0)
    for first, end in _likely_windows(words, copied):
        best = max(best, _align(words, copied, first, end), key=lambda found: found[0])
    share, first, last = best
    span = copied[first : last + 1]
    if share < MIN_SHARE * chars or len(span) > 1.5 * len(words) + 5 or not _same_facts(words, span):
        return None
    return start + matches[first].start(), start + matches[last].end()


def _likely_windows(words: Sequence[str], copied: Sequence[str]) -> list[tuple[int, int]]:
    """Return the windows of the context with most of the section's words, in any order; a few that differ."""
    size = len(words)
    wanted, inside = Counter(words), Counter[str]()
    shared = 0
    scores: list[tuple[int, int]] = []
    for end, word in enumerate(copied, 1):
        inside[word] += 1
        shared += len(word) if inside[word] <= wanted[word] else 0
        if end > size:
            gone = copied[end - size - 1]
            shared -= len(gone) if inside[gone] <= wanted[gone] else 0
            inside[gone] -= 1
        scores.append((shared, end - size))
    enough = _MIN_WORDS * sum(map(len, words))
    most = max(1, min(_MAX_WINDOWS, _MAX_CELLS // (2 * size * size)))
    chosen: list[int] = []
    for _, first in sorted((score for score in scores if score[0] >= enough), reverse=True):
        if all(abs(first - other) > size // 2 for other in chosen):
            chosen.append(first)
        if len(chosen) == most:
            break
    return [(max(0, first - size // 2), min(len(copied), first + size + size // 2 + 2)) for first in chosen]


def _align(words: Sequence[str], copied: Sequence[str], first: int, end: int) -> tuple[float, int, int]:
    """Align a section with a window of the context: the common characters, and the first and last common word.

    It is a longest common subsequence of words, weighted by their length, which prefers words that
    stand close together.
    """
    # The score, the common characters and the first common word up to each word of the window.
    row: list[tuple[float, int, int]] = [(0.0, 0, first + at) for at in range(end - first + 1)]
    ends: list[int] = [first] * len(row)
    for word in words:
        above, above_ends = row, ends
        row, ends = [above[0]], [above_ends[0]]
        for at in range(1, len(above)):
            score, common, begin = row[-1]
            best, best_end = (score - _GAP_COST if common else 0.0, common, begin), ends[-1]
            if above[at][0] >= best[0]:
                best, best_end = above[at], above_ends[at]
            if (credit := _credit(word, copied[first + at - 1])) and above[at - 1][0] + credit > best[0]:
                score, common, begin = above[at - 1]
                best = (score + credit, common + credit, begin if common else first + at - 1)
                best_end = first + at - 1
            row.append(best)
            ends.append(best_end)
    at = max(range(len(row)), key=lambda place: row[place][0])
    _, common, begin = row[at]
    return float(common), begin, ends[at]


def _credit(word: str, other: str) -> int:
    """Return the characters that two words share: all of equal ones, the shorter one of a word and its abbreviation."""
    if word == other:
        return len(word)
    short, long = sorted((word, other), key=len)
    return len(short) if short.isalpha() and long.startswith(short) else 0


def _same_facts(words: Sequence[str], copied: Sequence[str]) -> bool:
    """Return whether a section has only numbers of its place, and as many negations."""
    numbers = ({word for word in side if word[0].isdigit()} for side in (words, copied))
    negations = (
        sum(_NEGATION.fullmatch(word) is not None or (word == "t" and before.endswith("n")) for before, word in pairs)
        for pairs in (pairwise(["", *words]), pairwise(["", *copied]))
    )
    first, second = numbers
    one, other = negations
    return first <= second and one == other
