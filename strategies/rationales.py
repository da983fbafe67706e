"""Rationales: the sentences of a chain of thought that state something, without its answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reasoning.kinds.answer_span import strip_think_tags
from reasoning.retrieval.sentences import split_sentences
from reasoning.strategies.reply_parsing import match_item_mark, normalize_question

_ANSWER = re.compile(
    r"\b(?:answer|option|choice)\b[\s*_]{0,4}(?:\([^()\n]{0,40}\)\s?)?(?:(?:is|would be|must be)\b|[:：])"
    r"|\\boxed|^\s*####",
    re.IGNORECASE,
)
_COUNT = r"(?:first|second|third|fourth|fifth|sixth)(?:ly)?|finally|lastly|(?:step|reason|fact|rationale) \d{1,2}"
_NUMBERED = re.compile(rf"(?:{_COUNT})\b\s?[,:]", re.IGNORECASE)
_ORDINAL = re.compile(rf"(?:{_COUNT}|next|then)\b[*_]{{0,2}}[,:.]?[*_\s]{{1,4}}", re.IGNORECASE)
_HEADING = re.compile(r"\s{0,3}(?:#{1,6}\s|(?:```|~~~))")
_MARKS = re.compile(r"</?\w{1,20}>|\*\*|__|`|\\[()\[\]]|^>\s")
_MATH = re.compile(r"\\(?:text|textbf|mathrm)\{([^{}\n]{0,500})\}")
_WORDS = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth")
_MIN_WORDS = 3
_MAX_CHARS = 500
"""Length of a sentence above which it is cut off."""


def parse_sentences(text: str) -> list[str]:
    """Return the statements of a chain of thought, sentence by sentence; those in reasoning tags if no others.

    Ordinals ("First, …"), list marks, headings and bold type are removed. Sentences that state the
    answer, ask something, introduce what follows or have fewer than 3 words are left out.

    Examples:
        >>> parse_sentences("First, Orn built the bridge. Second, he was born in 1866. The answer is Orn.")
        ['Orn built the bridge.', 'He was born in 1866.']
    """
    return _sentences(strip_think_tags(text)) or _sentences(text)


def parse_rationales(text: str) -> list[str]:
    """Return the numbered rationales of a chain of thought, each of one or several sentences.

    They are "First, … Second, …", in any order of lines, or the items of a numbered list. Without
    at least two of them, every sentence is one; see `parse_sentences`.

    Examples:
        >>> parse_rationales("First, Orn built it. It is of stone. Second, he was born in 1866. The answer is Orn.")
        ['Orn built it. It is of stone.', 'He was born in 1866.']
    """
    units: list[list[str]] = []
    numbered = 0
    for line in strip_think_tags(text).splitlines():
        mark = match_item_mark(line.strip())
        is_item = mark is not None and bool(mark["ordinal"])
        for unit in _lines(line):
            for sentence in split_sentences(unit):
                begins = is_item or _NUMBERED.match(sentence) is not None
                numbered += begins
                if begins or not units:
                    units.append([])
                is_item = False
                if _states(plain := _plain(sentence)):
                    units[-1].append(plain)
    rationales = [" ".join(unit)[: 2 * _MAX_CHARS] for unit in units if unit]
    return rationales if numbered > 1 else parse_sentences(text)


def new_rationale(reply: str, known: Sequence[str]) -> str:
    """Return the first rationale of a reply that is not a known one; "" if it has none."""
    keys = set(map(normalize_question, known))
    return next((one for one in parse_rationales(reply) if normalize_question(one) not in keys), "")


def format_rationales(sentences: Iterable[str]) -> str:
    """Return sentences as the papers' rationale, one a line: "First, …", "Second, …"."""
    return "\n".join(
        f"{_WORDS[index] if index < len(_WORDS) else 'Next'}, {sentence}" for index, sentence in enumerate(sentences)
    )


def states_answer(sentence: str) -> bool:
    """Return whether a sentence states the answer: "So the answer is …", a box."""
    return _ANSWER.search(sentence) is not None


def _sentences(text: str) -> list[str]:
    return [sentence for unit in _lines(text) for sentence in map(_plain, split_sentences(unit)) if _states(sentence)]


def _lines(text: str) -> list[str]:
    """Return the lines of a text without list marks and bold type; no headings, fences and rows of tables."""
    found = []
    for line in map(str.strip, text.splitlines()):
        if line and not _HEADING.match(line) and not line.startswith("|"):
            mark = match_item_mark(line)
            found.append(_MARKS.sub("", _MATH.sub(r"\1", line[mark.end() if mark else 0 :])).strip())
    return found


def _plain(sentence: str) -> str:
    """Return a sentence without the ordinal before it, of limited length."""
    ordinal = _ORDINAL.match(sentence)
    plain = sentence[ordinal.end() if ordinal else 0 :].strip(" *_")[:_MAX_CHARS]
    return plain[:1].upper() + plain[1:]


def _states(sentence: str) -> bool:
    words = sum(any(map(str.isalpha, word)) for word in sentence.split())
    return words >= _MIN_WORDS and not sentence.endswith(("?", "？", ":", "：")) and not states_answer(sentence)
