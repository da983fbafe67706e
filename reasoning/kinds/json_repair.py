"""Search for JSON in a reply: every place where a value may begin, decoded, and repaired if it has only one meaning.

The work is limited to about one pass over the text, independent of its content.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

MAX_DEPTH = 64
"""The levels of nesting that are accepted."""

MAX_REPAIR_CHARS = 50_000
"""The characters in which errors are repaired."""

_MIN_COST = 1_000
"""The minimum cost of an attempt, in characters."""

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*+") | (?P<quoted>'(?:[^'\\]|\\.)*+') | “(?P<typeset>[^“”"\\]*+)”
      | (?P<space>\s++|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/|\#[^\n]*+) | (?P<key>[A-Za-z_]\w*+)(?=\s*+:)
      | (?P<mark>[{}\[\],:]) | (?P<word>[^\s{}\[\],:"'“/\#]++)""",
    re.DOTALL | re.VERBOSE,
)
_PYTHON = {"True": "true", "False": "false", "None": "null"}


class JsonCandidate(NamedTuple):
    """A possible JSON value at one place.

    Attributes:
        value: the decoded value; None if `error` is set.
        rule: "JSON" or "repaired JSON".
        error: the error, in words that a model can act on, or None.
        chars_read: the number of characters up to the end or the error.
    """

    value: Any
    rule: str
    error: str | None
    chars_read: int


def find_json(text: str, opener: re.Pattern[str]) -> Iterator[JsonCandidate]:
    """Yield the candidate at each match of `opener`, in order, but none inside a value that was decoded."""
    budget, repairs, at = len(text) + _MIN_COST, MAX_REPAIR_CHARS, 0
    while budget > 0 and (match := opener.search(text, at)):
        start = match.start()
        try:
            value, at = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            read = error.pos - start if isinstance(error, json.JSONDecodeError) else len(text) - start
            budget, at = budget - max(read, _MIN_COST), start + 1
            repaired, end = _repair(text, start, min(len(text), start + repairs))
            repairs -= end - start
            if repaired is None:
                yield JsonCandidate(None, "", _describe(text, start, error), read)
                continue
            value, at, rule = repaired, end, "repaired JSON"
        else:
            rule = "JSON"
        deep = _depth(value) > MAX_DEPTH
        yield JsonCandidate(
            value, rule, f"The JSON is nested deeper than {MAX_DEPTH} levels." if deep else None, at - start
        )


def _describe(text: str, start: int, error: Exception) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return "The JSON has a number that is not finite, or is nested too deeply."
    if error.pos >= len(text.rstrip()):
        return "The JSON is not complete: it ends before all its brackets are closed."
    line, column = text.count("\n", start, error.pos) + 1, error.pos - max(text.rfind("\n", 0, error.pos), start - 1)
    near = text[max(start, error.pos - 20) : error.pos + 20]
    return f"The JSON breaks in its line {line}, column {column}, near {near!r}: {error.msg}."


def _repair(text: str, start: int, end: int) -> tuple[Any, int]:
    """Return the repaired value that begins at `start`, or None, and the end of the examined text."""
    pieces: list[str] = []
    depth, at, comma = 0, start, -1
    while at < end and (match := _TOKEN.match(text, at, end)):
        at, piece = match.end(), match[0]
        if match["quoted"]:
            piece = '"' + re.sub(r"\\'|\"", lambda found: "'" if found[0] == "\\'" else '\\"', piece[1:-1]) + '"'
        elif match["typeset"] is not None or match["key"]:
            piece = f'"{match["typeset"] or match["key"] or ""}"'
        elif match["space"]:
            piece = " "
        elif match["word"]:
            piece = _PYTHON.get(piece, piece)
        elif piece == ",":
            comma = len(pieces)
        elif piece in "}]":
            # Remove the comma before a closing bracket.
            if comma >= 0:
                pieces[comma] = ""
            depth -= 1
        elif piece in "{[":
            depth += 1
        if not match["space"] and piece != ",":
            comma = -1
        pieces.append(piece)
        if depth == 0:
            break
    else:
        return None, end
    try:
        return _DECODER.decode("".join(pieces)), at
    except (ValueError, RecursionError):
        return None, at


def _depth(value: Any) -> int:
    """Count the levels of nesting, up to one more than is allowed."""
    level, depth = [value], 0
    while level and depth <= MAX_DEPTH:
        depth += any(isinstance(item, (dict, list)) for item in level)
        level = [
            inner
            for item in level
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return depth


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is not finite")
    return value


_DECODER = json.JSONDecoder(strict=False, parse_constant=_finite, parse_float=_finite)
