"""Translation of mathematical expressions into Python code that builds them with sympy.

The code contains only numbers, signs and the names in the tables below. The interpreter runs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reasoning.kinds.math_notation import normalize
from reasoning.sandbox.code_extraction import parse

_MAX_CHARS = 300
_SAME_NAME = ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "exp", "log", "sqrt", "factorial")
_FUNCTIONS = {name: name for name in _SAME_NAME}
_FUNCTIONS |= {"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}
_CONSTANTS = {"pi": "pi", "infty": "oo", "e": "E", "i": "I"}
_NAMES = ("alpha", "beta", "gamma", "delta", "theta", "lambda", "sigma", "phi", "omega")
_WORD = "|".join(sorted([*_FUNCTIONS, "pi", "infty", *_NAMES], key=len, reverse=True))
_TOKEN = re.compile(
    rf"(?P<number>\d+(?:\.\d+)?)|(?P<word>{_WORD})|(?P<letter>[A-Za-z])(?P<sub>_(?:\w|\(\w{{1,9}}\)))?|(?P<sign>[-+*/^()_])"
)
_OPEN = ("+", "-", "*", "/", "**", "(")
_CLOSE = ("+", "-", "*", "/", "**", ")")
# This many letters in a row are a word, not a product.
_WORD_LETTERS = 4
# The normal form drops the braces around exponents that start with a letter.
_LETTERS_RAISED = re.compile(r"\^\s?\{(?=[A-Za-z\\])")
_MIXED = re.compile(r"(?<![\d.])(\d+) (\d+/\d+)")
_RELATIONS = {"leq": "<=", "geq": ">=", "neq": "!=", "<": "<", ">": ">", "=": "="}
_RELATION = re.compile("|".join(_RELATIONS))
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def latex_to_sympy(text: str) -> str | None:
    """Return the Python code of an expression in LaTeX or plain text, or None.

    Unordered values (a set, several solutions) become a list. Ordered ones (an interval, a point, a
    relation) become a tuple with its signs as texts. Everything else is one sympy expression.
    """
    if len(text) > _MAX_CHARS:
        return None
    try:
        code = _form(normalize(_LETTERS_RAISED.sub("^{0+", text)))
    except RecursionError:
        return None
    return code if code and parse(code) else None


def _form(text: str) -> str | None:
    """Return the code of a normalized expression."""
    for separator in ("cup", ","):
        if len(parts := _split(text, separator)) > 1:
            return _joined(map(_form, parts), "[", "]")
    if text[:1] + text[-1:] == "{}":
        return _joined(map(_form, _split(text[1:-1], ",")), "[", "]")
    if text[:1] in ("(", "[") and text[-1:] in (")", "]") and len(parts := _split(text[1:-1], ",")) > 1:
        return _joined((repr(text[0]), *map(_form, parts), repr(text[-1])), "(", ")")
    if "pm" in text:
        return _joined((_form(text.replace("pm", "+")), _form(text.replace("pm", "-"))), "[", "]")
    if len(relations := _RELATION.findall(text)) == 1:
        left, right = map(_python, text.split(relations[0]))
        sign = _RELATIONS[relations[0]]
        if sign in (">", ">="):
            left, right, sign = right, left, _FLIPPED[sign]
        return _joined((repr(sign), left, right), "(", ")")
    return _python(text)


def _joined(parts: Iterable[str | None], opening: str, closing: str) -> str | None:
    known = list(parts)
    return f"{opening}{', '.join(part for part in known if part)},{closing}" if all(known) else None


def _split(text: str, separator: str) -> list[str]:
    """Split a text at the separators outside of brackets."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and at >= start and text.startswith(separator, at):
            parts.append(text[start:at])
            start = at + len(separator)
    return [*parts, text[start:]]


def _python(text: str) -> str | None:
    """Return the code of a scalar expression; None if it is something else."""
    text = re.sub(r"(\d+)!", r"factorial(\1)", _MIXED.sub(r"(\1+\2)", text))
    if text.count("|") == 2:
        text = re.sub(r"\|(.*)\|", r"sqrt((\1)^2)", text)
    tokens = list(_TOKEN.finditer(text))
    word = "".join("x" if token["letter"] else " " for token in tokens)
    if sum(len(token[0]) for token in tokens) != len(text.replace(" ", "")) or "x" * _WORD_LETTERS in word:
        return None
    return _scalar(tokens)


def _scalar(tokens: Sequence[re.Match[str]]) -> str | None:
    written: list[str] = []
    at = 0
    while at < len(tokens):
        code, at = _piece(tokens, at)
        if code is None:
            return None
        if written and written[-1] not in _OPEN and code not in _CLOSE:
            written.append("*")  # an implicit product
        written.append(code)
    return f"({''.join(written)})" if written and written[-1] not in _OPEN else None


def _piece(tokens: Sequence[re.Match[str]], at: int) -> tuple[str | None, int]:
    """Return the code of the piece that begins at a token, and the place of the next piece."""
    token = tokens[at]
    if token["number"]:
        return f"Rational('{token[0]}')", at + 1
    if (token["letter"] and token[0] not in _CONSTANTS) or token["word"] in _NAMES:
        return f"Symbol('{token[0]}')", at + 1
    if token[0] in _CONSTANTS:
        return _CONSTANTS[token[0]], at + 1
    if token["word"]:
        return _applied(tokens, at)
    return {"^": "**", "_": None}.get(token[0], token[0]), at + 1


def _applied(tokens: Sequence[re.Match[str]], at: int) -> tuple[str | None, int]:
    """Return a function with its argument, also for sin 2x, sin^2 x and log_2 8."""
    name, at = tokens[at][0], at + 1
    signs = [token[0] for token in tokens]
    power = base = None
    if name == "sqrt" and at + 1 < len(tokens) and tokens[at]["number"] and signs[at + 1] == "(":
        base, at = signs[at], at + 1
    while signs[at : at + 1] in (["^"], ["_"]):
        end = _end_of(signs, at + 1)
        if signs[at] == "^":
            power = _scalar(tokens[at + 1 : end])
        else:
            base = _scalar(tokens[at + 1 : end])
        at = end
    start = at
    if signs[at : at + 1] == ["("]:
        at = _end_of(signs, at)
    else:
        while at < len(tokens) and (tokens[at]["number"] or tokens[at]["letter"] or signs[at] in _CONSTANTS):
            at = _end_of(signs, at + 2) if signs[at + 1 : at + 2] == ["^"] else at + 1
    argument = _scalar(tokens[start:at])
    if argument is None:
        return None, at
    if name == "sqrt" and base is not None:
        return f"real_root({argument}, {base})", at
    called = f"{_FUNCTIONS[name]}({argument}{f', {base}' if base else ''})"
    return f"({called})**{power}" if power else called, at


def _end_of(signs: Sequence[str], at: int) -> int:
    """Return the place after one token or a whole bracket, including a minus in front of it."""
    at += signs[at : at + 1] == ["-"]
    depth = 0
    while at < len(signs):
        depth += (signs[at] == "(") - (signs[at] == ")")
        at += 1
        if depth <= 0:
            break
    return at
