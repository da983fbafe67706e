"""The JSON in a reply: every place where some begins, decoded, and repaired where it can mean one thing only.

The work is limited to about one pass over the text, whatever is in it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

MAX_DEPTH = 64
"""Levels of nesting that are read."""

MAX_REPAIR_CHARS = 50_000
"""Characters in which faults are repaired."""

_COST = 1_000  # what an attempt is reckoned at, at least, in characters
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*+") | (?P<quoted>'(?:[^'\\]|\\.)*+') | “(?P<typeset>[^“”"\\]*+)”
      | (?P<space>\s++|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/|\#[^\n]*+) | (?P<key>[A-Za-z_]\w*+)(?=\s*+:)
      | (?P<mark>[{}\[\],:]) | (?P<word>[^\s{}\[\],:"'“/\#]++)""",
    re.DOTALL | re.VERBOSE,
)
_PYTHON = {"True": "true", "False": "false", "None": "null"}


class JsonCandidate(NamedTuple):
    """What begins at one place.

    Attributes:
        value: the decoded value; without one, `fault` says why.
        how: "JSON", or "repaired JSON".
        fault: what is wrong, in words that a model can act on.
        read: how many characters were read until the end or the fault.
    """

    value: Any
    rule: str
    error: str | None
    chars_read: int


def find_json(text: str, opener: re.Pattern[str]) -> Iterator[JsonCandidate]:
    """What begins at each opener, in order; not what lies inside a value that was decoded."""
    budget, repairs, at = len(text) + _COST, MAX_REPAIR_CHARS, 0
    while budget > 0 and (match := opener.search(text, at)):
        start = match.start()
        try:
            value, at = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            read = error.pos - start if isinstance(error, json.JSONDecodeError) else len(text) - start
            budget, at = budget - max(read, _COST), start + 1
            mended, end = _mend(text, start, min(len(text), start + repairs))
            repairs -= end - start
            if mended is None:
                yield JsonCandidate(None, "", _fault(text, start, error), read)
                continue
            value, at, how = mended, end, "repaired JSON"
        else:
            how = "JSON"
        deep = _depth(value) > MAX_DEPTH
        yield JsonCandidate(
            value, how, f"The JSON is nested deeper than {MAX_DEPTH} levels." if deep else None, at - start
        )


def _fault(text: str, start: int, error: Exception) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return "The JSON has a number that is not finite, or is nested too deeply."
    if error.pos >= len(text.rstrip()):
        return "The JSON is not complete: it ends before all its brackets are closed."
    line, column = text.count("\n", start, error.pos) + 1, error.pos - max(text.rfind("\n", 0, error.pos), start - 1)
    near = text[max(start, error.pos - 20) : error.pos + 20]
    return f"The JSON breaks in its line {line}, column {column}, near {near!r}: {error.msg}."


def _mend(text: str, start: int, end: int) -> tuple[Any, int]:
    """The value that begins at `start`, repaired, or None; and how far it was looked at."""
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
            if comma >= 0:
                pieces[comma] = ""  # a comma in front of a closing bracket
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
    """Levels of nesting, counted up to one more than is allowed."""
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
