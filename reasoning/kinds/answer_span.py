"""The part of a reply that may state the answer, without reasoning, end-of-turn tokens and invented questions."""

from __future__ import annotations

import re

from reasoning.kinds.json_fields import answer_fields_only
from reasoning.kinds.kind import Region

_NAMES = "think|thinking|thoughts?|reasoning|scratchpad|reflection|rationale|analysis"
# Three spellings are faster than a pattern that ignores case.
_THOUGHT = re.compile(rf"</?(?:{_NAMES}|{_NAMES.title()}|{_NAMES.upper()})>")
_END = re.compile(r"<(?:\|(?:im_end|endoftext|end_of_text|eot_id|end)\||/s|end_of_turn|eos|｜end▁of▁sentence｜)>")
# A model that imitates a few-shot prompt continues like this. "Q2:" and a question on the next line may be a step of
# the same problem.
_NEXT = re.compile(r"\n[ \t]{0,8}\n(?:[#*]{1,4} ?)?(?:Q|Question|Human|User|### Instruction)\*{0,2}:", re.IGNORECASE)
# Nothing, or only headings: "## Relevant problems".
_HEADINGS = re.compile(r"\s*+(?:(?:#{1,6} [^\n\d]*+|[^\n:]{0,80}:|\*\*[^\n]{0,80}\*\*:?)[^\S\n]*+(?:\n\s*+|$))*+")
_POSED = re.compile(r"^[#*> \t]{0,8}(?:Q|Question|Problem|Exercise|Example|Exemplar)\b", re.MULTILINE | re.IGNORECASE)


def visible_text(text: str, region: Region | None) -> str:
    """Return the part of a reply that is parsed: the text in the region, outside of reasoning tags."""
    text = strip_think_tags(text) if "<" in text else text
    return region.extract(text) if region else text


def has_next_question(text: str) -> bool:
    """Return whether the text may contain a further question."""
    return _NEXT.search(text) is not None


def strip_reasoning_fields(text: str) -> str:
    """Return the text without the reasoning fields of JSON objects and without the text after an end-of-turn token."""
    text = cut_end_mark(text)
    return answer_fields_only(text) if "{" in text else text


def cut_end_mark(text: str) -> str:
    """Return the text before an end-of-turn token; all of it if nothing is before the token."""
    if "<" in text and (mark := _END.search(text)) and text[: mark.start()].strip():
        return text[: mark.start()]
    return text


def cut_next_question(text: str, at: int) -> str:
    """Cut the text where it continues with another problem, an invented question or turn, after position `at`.

    A text that poses questions before `at`, or that begins with one, is not cut: it may recall other
    problems before it solves this one.
    """
    match = None if _POSED.search(text, 0, at) else _NEXT.search(text, at)
    return text[: match.start()] if match and not _HEADINGS.fullmatch(text, 0, match.start()) else text


def strip_think_tags(text: str) -> str:
    """Return the text outside of reasoning tags.

    A tag that is not closed extends to the end; a closing tag alone was opened before the text.
    """
    kept: list[str] = []
    position, inside = 0, False
    for tag in _THOUGHT.finditer(text):
        if tag[0][1] != "/":
            if not inside:
                kept.append(text[position : tag.start()])
            inside = True
        else:
            if not inside:
                kept.clear()
            position, inside = tag.end(), False
    return "".join(kept) if inside else "".join(kept) + text[position:]
