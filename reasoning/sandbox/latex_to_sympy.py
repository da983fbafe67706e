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
_BEFORE_OPERAND = ("+", "-", "*", "/", "**", "(")
_AFTER_OPERAND = ("+", "-", "*", "/", "**", ")")
# This many letters in a row are a word, not a product.
_WORD_LETTERS = 4
# The normal form drops the braces around exponents that start with a letter.
_LETTER_EXPONENT = re.compile(r"\^\s?\{(?=[A-Za-z\\])")
_MIXED = re.compile(r"(?<![\d.])(\d+) (\d+/\d+)")
_RELATIONS = {"leq": "<=", "geq": ">=", "neq": "!=", "<": "<", ">": ">", "=": "="}
_RELATION = re.compile("|".join(_RELATIONS))
_REVERSED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def latex_to_sympy(text: str) -> str | None:
    """Return the Python code of an expression in LaTeX or plain text, or None.

    Unordered values (a set, several solutions) become a list. Ordered values (an interval, a point,
    a relation) become a tuple with their signs as strings. Everything else is one sympy expression.
    """
    if len(text) > _MAX_CHARS:
        return None
    try:
        code = _translate(normalize(_LETTER_EXPONENT.sub("^{0+", text)))
    except RecursionError:
        return None
    return code if code and parse(code) else None


def _translate(text: str) -> str | None:
    """Return the code of a normalized expression."""
    for separator in ("cup", ","):
        if len(parts := _split(text, separator)) > 1:
            return _join(map(_translate, parts), "[", "]")
    if text[:1] + text[-1:] == "{}":
        return _join(map(_translate, _split(text[1:-1], ",")), "[", "]")
    if text[:1] in ("(", "[") and text[-1:] in (")", "]") and len(parts := _split(text[1:-1], ",")) > 1:
        return _join((repr(text[0]), *map(_translate, parts), repr(text[-1])), "(", ")")
    if "pm" in text:
        return _join((_translate(text.replace("pm", "+")), _translate(text.replace("pm", "-"))), "[", "]")
    if len(relations := _RELATION.findall(text)) == 1:
        left, right = map(_translate_scalar, text.split(relations[0]))
        sign = _RELATIONS[relations[0]]
        if sign in (">", ">="):
            left, right, sign = right, left, _REVERSED[sign]
        return _join((repr(sign), left, right), "(", ")")
    return _translate_scalar(text)


def _join(parts: Iterable[str | None], opening: str, closing: str) -> str | None:
    codes = list(parts)
    return f"{opening}{', '.join(part for part in codes if part)},{closing}" if all(codes) else None


def _split(text: str, separator: str) -> list[str]:
    """Split a text at the separators outside of brackets."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and index >= start and text.startswith(separator, index):
            parts.append(text[start:index])
            start = index + len(separator)
    return [*parts, text[start:]]


def _translate_scalar(text: str) -> str | None:
    """Return the code of a scalar expression; None if it is something else."""
    text = re.sub(r"(\d+)!", r"factorial(\1)", _MIXED.sub(r"(\1+\2)", text))
    if text.count("|") == 2:
        text = re.sub(r"\|(.*)\|", r"sqrt((\1)^2)", text)
    tokens = list(_TOKEN.finditer(text))
    word = "".join("x" if token["letter"] else " " for token in tokens)
    if sum(len(token[0]) for token in tokens) != len(text.replace(" ", "")) or "x" * _WORD_LETTERS in word:
        return None
    return _translate_tokens(tokens)


def _translate_tokens(tokens: Sequence[re.Match[str]]) -> str | None:
    pieces: list[str] = []
    index = 0
    while index < len(tokens):
        code, index = _translate_token(tokens, index)
        if code is None:
            return None
        if pieces and pieces[-1] not in _BEFORE_OPERAND and code not in _AFTER_OPERAND:
            pieces.append("*")  # an implicit product
        pieces.append(code)
    return f"({''.join(pieces)})" if pieces and pieces[-1] not in _BEFORE_OPERAND else None


def _translate_token(tokens: Sequence[re.Match[str]], index: int) -> tuple[str | None, int]:
    """Return the code of the piece that begins at a token, and the index of the next piece."""
    token = tokens[index]
    if token["number"]:
        return f"Rational('{token[0]}')", index + 1
    if (token["letter"] and token[0] not in _CONSTANTS) or token["word"] in _NAMES:
        return f"Symbol('{token[0]}')", index + 1
    if token[0] in _CONSTANTS:
        return _CONSTANTS[token[0]], index + 1
    if token["word"]:
        return _translate_function(tokens, index)
    return {"^": "**", "_": None}.get(token[0], token[0]), index + 1


def _translate_function(tokens: Sequence[re.Match[str]], index: int) -> tuple[str | None, int]:
    """Return a function with its argument, also for sin 2x, sin^2 x and log_2 8."""
    name, index = tokens[index][0], index + 1
    signs = [token[0] for token in tokens]
    power = base = None
    if name == "sqrt" and index + 1 < len(tokens) and tokens[index]["number"] and signs[index + 1] == "(":
        base, index = signs[index], index + 1
    while signs[index : index + 1] in (["^"], ["_"]):
        end = _argument_end(signs, index + 1)
        if signs[index] == "^":
            power = _translate_tokens(tokens[index + 1 : end])
        else:
            base = _translate_tokens(tokens[index + 1 : end])
        index = end
    start = index
    if signs[index : index + 1] == ["("]:
        index = _argument_end(signs, index)
    else:
        while index < len(tokens) and (
            tokens[index]["number"] or tokens[index]["letter"] or signs[index] in _CONSTANTS
        ):
            index = _argument_end(signs, index + 2) if signs[index + 1 : index + 2] == ["^"] else index + 1
    argument = _translate_tokens(tokens[start:index])
    if argument is None:
        return None, index
    if name == "sqrt" and base is not None:
        return f"real_root({argument}, {base})", index
    call = f"{_FUNCTIONS[name]}({argument}{f', {base}' if base else ''})"
    return f"({call})**{power}" if power else call, index


def _argument_end(signs: Sequence[str], index: int) -> int:
    """Return the index after one token or a whole bracket, including a minus before it."""
    index += signs[index : index + 1] == ["-"]
    depth = 0
    while index < len(signs):
        depth += (signs[index] == "(") - (signs[index] == ")")
        index += 1
        if depth <= 0:
            break
    return index
