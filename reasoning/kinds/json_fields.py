"""The answer field of a reply that is a JSON object, without the reasoning in its other fields."""

from __future__ import annotations

import json
import re
from typing import Any

_OBJECT = re.compile(r"^[ \t]{0,20}\{(?=\s{0,80}[\"'}])", re.MULTILINE)
_MAX_OBJECTS = 4
"""The number of objects that are examined, from the first on."""

_ANSWER = re.compile(r"(?:\w{1,20}[_ ])?answer(?:[_ ](?:choice|option|letter|value))?", re.IGNORECASE)
_THOUGHT = re.compile(
    r"\W?(?:chain[_ ]of[_ ])?(?:thoughts?|thinking|reasoning|rationale|explanation|justification|analysis|steps|work"
    r"|solution|step[_ ]by[_ ]step)\W?",
    re.IGNORECASE,
)
_FIRST = re.compile(r"\s{0,80}[\"']([\w ]{1,40})[\"']\s?:")
_KEY = re.compile(r"answer(?:[_ ]\w{1,10})?[\"']\s?:", re.IGNORECASE)
_STATED = re.compile(r"^[ \t*]{0,8}(?:final )?answer[ *]{0,4}:", re.IGNORECASE | re.MULTILINE)
_STRING = re.compile(r"\s{0,8}(?:\"((?:[^\"\\]|\\.){0,4000}+)\"|'((?:[^'\\]|\\.){0,4000}+)'(?=\s*[,}\n]))", re.DOTALL)
_NESTED = re.compile(r"\s{0,80}(?=[{\[])")
_BARE = re.compile(r"\s{0,8}([^\n,}]{0,200}+)")
# JSON parses the backslash of \frac, \times and \boxed as a part of an escape.
_MACROS = [("\b", "\\b"), ("\f", "\\f"), ("\r", "\\r"), ("\t", "\\t")]


def answer_fields_only(text: str) -> str:
    """Reduce each JSON object that has an answer field to that field, and remove the reasoning from all others.

    Only objects that begin a line and can be decoded are changed.
    """
    position = 0
    pieces: list[str] = []
    for _ in range(_MAX_OBJECTS):
        if (match := _OBJECT.search(text, position)) is None:
            break
        try:
            value, end = _DECODER.raw_decode(text, match.end() - 1)
        except (ValueError, RecursionError):
            if (
                (first := _FIRST.match(text, match.end()))
                and _THOUGHT.fullmatch(first[1])
                and not _KEY.search(text, position)
            ):
                # The object is malformed or cut off, and contains only reasoning, at most with an answer behind it.
                stated = _STATED.search(text, match.end())
                return "".join(pieces) + text[position : match.start()] + (text[stated.start() :] if stated else "")
            value, end = {}, match.end()
        kept = _without_reasoning(value)
        pieces.append(text[position : match.start()] if kept != value else text[position:end])
        if kept != value:
            pieces.append(json.dumps(kept, ensure_ascii=False) if kept else "")
        position = end
    return "".join(pieces) + text[position:] if pieces else text


def _without_reasoning(value: dict[str, Any]) -> dict[str, Any]:
    answers = [key for key in value if _ANSWER.fullmatch(key)]
    if answers:
        return {"answer": value[answers[-1]]}
    return {key: item for key, item in value.items() if not _THOUGHT.fullmatch(key)}


def read_field(text: str, position: int) -> str:
    """Return the value of the field whose colon ends at `position`, as text; the available part if the JSON is cut off.

    `null` is returned as "n/a": the field says that the question has no answer.
    """
    if match := _STRING.match(text, position):
        return _unescaped(match[1] if match[2] is None else match[2]).strip()
    if nested := _NESTED.match(text, position):
        start = nested.end()
        try:
            return text[start : _DECODER.raw_decode(text, start)[1]]
        except (ValueError, RecursionError):
            return text[start : start + 2_000].partition("\n")[0].strip()
    match = _BARE.match(text, position)
    bare = match[1].strip().strip("\"'") if match else ""
    return "n/a" if bare in ("null", "None") else bare


def _unescaped(string: str) -> str:
    """Return the text of a JSON string; with invalid escapes, such as a lone LaTeX macro, nearly unchanged."""
    try:
        value: str = json.loads(f'"{string}"', strict=False)
    except ValueError:
        return re.sub(r'\\([\\"/\'])', r"\1", string)
    for character, macro in _MACROS:
        value = re.sub(f"{character}(?=[a-z])", lambda _, macro=macro: macro, value)  # type: ignore[misc]
    return value


_DECODER = json.JSONDecoder(strict=False)
