"""The answer in a reply that is a JSON object: its answer field counts, not the reasoning beside it."""

from __future__ import annotations

import json
import re
from typing import Any

_OBJECT = re.compile(r"^[ \t]{0,20}\{(?=\s{0,80}[\"'}])", re.MULTILINE)
_TRIES = 4  # objects that are looked at, from the first on
_ANSWER = re.compile(r"(?:\w{1,20}[_ ])?answer(?:[_ ](?:choice|option|letter|value))?", re.IGNORECASE)
_THOUGHT = re.compile(
    r"\W?(?:chain[_ ]of[_ ])?(?:thoughts?|thinking|reasoning|rationale|explanation|justification|analysis|steps|work"
    r"|solution|step[_ ]by[_ ]step)\W?",
    re.IGNORECASE,
)
_FIRST = re.compile(r"\s{0,80}[\"']([\w ]{1,40})[\"']\s?:")
_KEY = re.compile(r"answer(?:[_ ]\w{1,10})?[\"']\s?:", re.IGNORECASE)
_STRING = re.compile(r"\s{0,8}(?:\"((?:[^\"\\]|\\.){0,4000}+)\"|'((?:[^'\\]|\\.){0,4000}+)'(?=\s*[,}\n]))", re.DOTALL)
_BARE = re.compile(r"\s{0,8}([^\n,}]{0,200}+)")
# JSON reads the backslash of \frac, \times and \boxed as a part of an escape.
_MACROS = [("\b", "\\b"), ("\f", "\\f"), ("\r", "\\r"), ("\t", "\\t")]


def answer_fields_only(text: str) -> str:
    """The text with each object that has an answer field reduced to that field, others without their reasoning.

    Objects that begin a line and can be decoded; all else stays as it is.
    """
    at = 0
    pieces: list[str] = []
    for _ in range(_TRIES):
        if (match := _OBJECT.search(text, at)) is None:
            break
        try:
            value, end = _DECODER.raw_decode(text, match.end() - 1)
        except (ValueError, RecursionError):
            if (
                (first := _FIRST.match(text, match.end()))
                and _THOUGHT.fullmatch(first[1])
                and not _KEY.search(text, at)
            ):
                return (
                    "".join(pieces) + text[at : match.start()]
                )  # broken or cut off, and it holds nothing but reasoning
            value, end = {}, match.end()
        kept = _kept(value)
        pieces.append(text[at : match.start()] if kept != value else text[at:end])
        if kept != value:
            pieces.append(json.dumps(kept, ensure_ascii=False) if kept else "")
        at = end
    return "".join(pieces) + text[at:] if pieces else text


def _kept(value: dict[str, Any]) -> dict[str, Any]:
    answers = [key for key in value if _ANSWER.fullmatch(key)]
    if answers:
        return {"answer": value[answers[-1]]}
    return {key: item for key, item in value.items() if not _THOUGHT.fullmatch(key)}


def read_field(text: str, at: int) -> str:
    """The value of the field whose colon ends at `at`, as text; of JSON that is broken or cut off, what there is.

    `null` is read as "n/a": the field says that there is no answer.
    """
    if match := _STRING.match(text, at):
        return _unescaped(match[1] if match[2] is None else match[2]).strip()
    if text[at : at + 80].lstrip().startswith(("{", "[")):
        return text[at : at + 2_000].partition("\n")[0].strip()
    match = _BARE.match(text, at)
    bare = match[1].strip().strip("\"'") if match else ""
    return "n/a" if bare in ("null", "None") else bare


def _unescaped(string: str) -> str:
    """The text of a JSON string; of one whose escapes are broken, as with a lone LaTeX macro, nearly as it stands."""
    try:
        value: str = json.loads(f'"{string}"', strict=False)
    except ValueError:
        return re.sub(r'\\([\\"/\'])', r"\1", string)
    for character, macro in _MACROS:
        value = re.sub(f"{character}(?=[a-z])", lambda _, macro=macro: macro, value)  # type: ignore[misc]
    return value


_DECODER = json.JSONDecoder(strict=False)
