"""Shared data of the tests of kinds: one kind of each class, its values, and texts that are hard to parse."""

from __future__ import annotations

import csv
import datetime
import gc
import re
import string
import time
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from reasoning.kinds import (
    Calculation,
    Cells,
    Choice,
    Code,
    Composite,
    Date,
    Expression,
    Items,
    Json,
    Label,
    Number,
    Span,
    Spans,
    Text,
    YesNo,
)

NOTE = Spans(["problem", "test result"], "Fever since May, but the test for DVT (2 times) < 90: no DVT.")
COLOURS = Choice(["red ball", "blue", "ambiguous", "a green cube"])
TONES = Label(["positive", "negative", "very positive", "neutral"])
PRICE = {"type": "object", "properties": {"price": {"type": "number"}}, "required": ["price"]}

EVERY: list[Any] = [
    *(Number(), Number(stated_only=True), COLOURS, Choice({"1": "cat", "2": "dog"}), YesNo()),
    *(TONES, Label(["spam", "not spam"]), Text(), Text(whole=True)),
    *(Date(), Date("%m/%d/%Y"), Date("%d %B %Y"), Date("%d%m%y"), Expression(), Calculation()),
    *(Items(), Items(sep=","), Cells(), Cells(ordered=True), Code(), Code("c++")),
    *(Json(), Json(shape="any", required=("a",)), Json(schema=PRICE)),
    *(Composite([Number(), YesNo()]), Composite({"day": Date(), "tone": TONES, "who": Text()})),
    NOTE,
]
IDS = [repr(kind)[:40] for kind in EVERY]

GOOD = {"choice": "A", "yesno": "yes", "text": "x", "items": "x", "json": '{"price": 1, "a": 1}', "number": "1"}
GOOD |= {
    "label": "neutral",
    "date": "2002-02-27",
    "expression": "x + 1",
    "calculation": "(1 + 2) * 3",
    "cells": "x | y",
}
GOOD |= {"code": "```\nx = 1\n```", "many": "a) 1\nb) yes"}
GOOD["spans"] = "<problem>Fever</problem> since May, but the test for <problem>DVT</problem> (2 times) < 90: no DVT."
"""A text that states an answer, for each kind."""


def rows() -> list[dict[str, str]]:
    """Return the tables of hard cases; columns are separated by tabs, and `\\n`, `\\t` and `\\\\` are escaped."""
    found: list[dict[str, str]] = []
    for path in sorted(Path(__file__).parents[1].glob("answers*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    return found


def unescaped(text: str) -> str:
    return "\\".join(part.replace("\\n", "\n").replace("\\t", "\t") for part in text.split("\\\\"))


@cache
def texts() -> list[str]:
    """Return the texts of the tables, each once."""
    return list(dict.fromkeys(unescaped(row["text"]) for row in rows()))


NUMBERS = st.integers() | st.integers(-(10**290), 10**290) | st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(string.ascii_lowercase, min_size=1, max_size=8).filter(lambda word: word not in ("answer", "unknown"))
PHRASES = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
SIGNS = st.sampled_from(["] ]", "> > ]", "->", "==", "()", "<", "> )", "+ -", "[ ]", "!="])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
LINES = st.text(st.characters(categories=["L", "N", "P", "S"], include_characters=" "), max_size=30).map(str.rstrip)
OPERANDS = st.integers(1, 999).map(str)
TERMS = st.sampled_from(["x", "2x", r"\frac{1}{2}", r"\sqrt{3}", "x^2", "3", r"\pi", "0.5", "(a, b)", r"\{1, 2\}"])


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for values as the kind parses them."""
    if isinstance(kind, Number):
        # A final line is short.
        if kind.stated_only:
            return st.integers(-(10**100), 10**100)
        return NUMBERS.filter(lambda n: 1e-290 < abs(n) < 1e299 or n == 0).map(
            lambda n: int(n) if float(n).is_integer() else n
        )
    if isinstance(kind, Choice | Label):
        return st.sampled_from(tuple(kind.labels if isinstance(kind, Choice) else kind.options))
    if isinstance(kind, YesNo):
        return st.booleans()
    if isinstance(kind, Date):
        first = datetime.date(1970, 1, 1) if "%y" in kind.format else datetime.date.min
        return st.dates(first, datetime.date(2068, 12, 31) if "%y" in kind.format else datetime.date.max)
    if isinstance(kind, Expression):
        return st.lists(TERMS, min_size=1, max_size=4).map(" + ".join)
    if isinstance(kind, Calculation):
        return st.lists(OPERANDS, min_size=2, max_size=5).map(" + ".join)
    if isinstance(kind, Items):
        return st.lists(PHRASES, min_size=1).map(tuple)
    if isinstance(kind, Cells):
        return st.lists(PHRASES | st.integers().map(str) | PHRASES.map(lambda one: f"{one}, x"), min_size=1).map(tuple)
    if isinstance(kind, Code):
        lines = st.lists(LINES, max_size=5)
        return st.tuples(lines, WORDS).map(lambda made: "\n".join(["x = 1", *made[0], made[1]]) + "\n")
    if isinstance(kind, Json):
        fitting = st.dictionaries(st.text(), JSON).map(lambda value: {**value, "a": 1, "price": 2})
        return fitting | st.lists(fitting) if kind.shape == "any" else fitting
    if isinstance(kind, Composite):
        return st.tuples(*(PHRASES if isinstance(one, Text) else values(one) for one in kind.kinds))
    if isinstance(kind, Spans):
        words = list(re.finditer(r"\w+", kind.text))
        labels = st.lists(st.sampled_from(["", *kind.labels]), min_size=len(words), max_size=len(words))
        return labels.map(
            lambda made: tuple(Span(word[0], one, word.start()) for word, one in zip(words, made, strict=True) if one)
        )
    if isinstance(kind, Text):
        return PHRASES | SIGNS | st.lists(PHRASES, min_size=2, max_size=3).map("\n".join)
    return PHRASES


ATOMS = ["answer is", "Answer:", "####", "\\boxed{", "}", "\n", " ", ".", ",", "-", "–", "1", "23", "/", ":", "=", "%"]
ATOMS += ["$", "(", ")", "A", "b", "I", "(B)", "yes", "no", "not", "but", "{", "[", '"', "'", "\\", "e9", "x", "10^"]
ATOMS += ["\\frac{1}", "blue", "May", ";", "- ", "<think>", "</think>", "½", "٣", "İ", "ſ", "\ud800", "\x00", "**", "`"]
ATOMS += ["or", "to", "I don't know", "99999999999999999999", "positive", "very ", "\n```", "```python\n", "def f(x):"]
ATOMS += [
    "2002",
    "02/",
    "Feb ",
    "年",
    "|",
    "\n|---|\n",
    '["',
    "a) ",
    "\nb) ",
    '{"a":',
    "day: ",
    "//",
    "/*",
    "“",
    "^",
    "_",
]
ATOMS += ["\\frac", "\\sqrt", "\\text{", "\\left(", "\\\\", "$$", "\\(", "&", "~~~", "#", "<answer>", "\r\n", "\u2028"]
ATOMS += ["x = ", "2x + ", "which equals ", " or 0.5", "point ", "five ", "So it is ", "has ", "In "]
NASTY = st.lists(st.sampled_from(ATOMS), max_size=30).map("".join) | st.lists(st.sampled_from(ATOMS), max_size=30).map(
    " ".join
)

PIECES = [
    "1 ",
    "1,",
    "1-",
    "1/",
    "1:",
    "1=",
    "a ",
    "(A) ",
    "the answer to ",
    "answer is ",
    "Answer: x\n",
    "####",
    "\\boxed{",
]
PIECES += ["2x + 1 = 5, so ", "has 1 ", "1/2 or ", "= 5. 5 + 1 ", "which equals 1, ", "two point five "]
PIECES += [
    "{",
    "[",
    '{"',
    '{"a":',
    "{'a':",
    "[1,",
    '"',
    "'",
    "\n",
    "*",
    "<<1=",
    "no ",
    "not yes ",
    ";",
    "- a\n",
    "blue ",
]
PIECES += ["\\", "½", "May 5, ", "1 x ", "positive ", "not ", "positive or ", "02/", "02/27/2002 ", "the ", "on ", "年"]
PIECES += [
    "```",
    "```\n",
    "```python\nx\n```\n",
    "~~~a`",
    "x = 1\n",
    "x(",
    "import a,",
    "if ",
    "a.",
    "|",
    "| a |\n",
    '"a",',
]
PIECES += [
    "\\frac",
    "\\frac{",
    "^",
    "_{",
    "\\sqrt[",
    "\\text{",
    '"""\na',
    "'''",
    "```\na\n",
    "] ) ",
    "->",
    "answer is ]\n",
    "Conclusion: ",
    "conclusion:\n",
    "so the answer is x. ",
    "I don't think the answer is A. ",
    "(A) red ball or ",
    "B) blue, ",
    "is A ",
    "none of the ",
    "since we cannot tell, ",
    "we cannot tell so ",
    "no positive or ",
    "not (A) ",
    "It is not (C). ",
    "(F) or ",
    "answer:\n```\n",
    "$a",
    "$",
    "\\(",
    "(",
    "((",
    "a) ",
    "a) 1\n",
    "day: ",
    "b) 2 ",
]
PIECES += [
    "{a:",
    "{a ",
    "{//",
    "{/*",
    "/*",
    "{#",
    "{“",
    '{"price":1}',
    "[1]",
    "<think>",
    "</think>",
    "<answer>",
    "١",
    "\t",
    " ",
]
"""What a long hostile text is made of: each of them repeated."""


def seconds(kind: Any, text: str) -> float:
    """Seconds of processor time, so that a busy machine does not matter; nor does what other tests left to collect."""
    gc.disable()
    try:
        begun = time.process_time()
        kind.parse_reply(text)
        return time.process_time() - begun
    finally:
        gc.enable()
