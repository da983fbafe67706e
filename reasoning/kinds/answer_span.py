"""What of a reply counts as the answer's text: not what was thought, not the end marks, not a problem that follows."""

from __future__ import annotations

import re

from reasoning.kinds.json_fields import answer_fields_only

_NAMES = "think|thinking|thoughts?|reasoning|scratchpad|reflection|rationale|analysis"
_THOUGHT = re.compile(rf"</?(?:{_NAMES}|{_NAMES.title()}|{_NAMES.upper()})>")  # this is faster than to ignore the case
_END = re.compile(r"<(?:\|(?:im_end|endoftext|end_of_text|eot_id|end)\||/s|end_of_turn|eos|｜end▁of▁sentence｜)>")
# A prompt of examples goes on like this; "Q2:" and a question on the next line may be a step of the same problem.
_NEXT = re.compile(r"\n[ \t]{0,8}\n(?:[#*]{1,4} ?)?(?:Q|Question|Human|User|### Instruction)\*{0,2}:", re.IGNORECASE)
_POSED = re.compile(r"^[#*> \t]{0,8}(?:Q|Question|Problem|Exercise|Example|Exemplar)\b", re.MULTILINE | re.IGNORECASE)


def has_next_question(text: str) -> bool:
    """Whether a further question may follow somewhere."""
    return _NEXT.search(text) is not None


def strip_reasoning_fields(text: str) -> str:
    """The text without the reasoning in the fields of a JSON object, and without what follows an end mark."""
    if "<" in text and (mark := _END.search(text)) and text[: mark.start()].strip():
        text = text[: mark.start()]
    return answer_fields_only(text) if "{" in text else text


def cut_next_question(text: str, at: int) -> str:
    """The text up to where it goes on with another problem, behind `at`: a made-up question or turn.

    A text that poses questions before `at` goes its own way: it may recall other problems before it solves this one.
    """
    match = None if _POSED.search(text, 0, at) else _NEXT.search(text, at)
    return text[: match.start()] if match and text[: match.start()].strip() else text


def strip_think_tags(text: str) -> str:
    """What stands outside of tags for reasoning. One that is not closed goes to the end, one that only closes began
    before the text."""
    kept: list[str] = []
    at, inside = 0, False
    for tag in _THOUGHT.finditer(text):
        if tag[0][1] != "/":
            if not inside:
                kept.append(text[at : tag.start()])
            inside = True
        else:
            if not inside:
                kept.clear()
            at, inside = tag.end(), False
    return "".join(kept) if inside else "".join(kept) + text[at:]
