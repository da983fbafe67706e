"""Normalization of mathematical notation: one spelling for LaTeX, Unicode and plain text.

Nothing is evaluated: 1/2 and 2/4 stay two expressions. The time is linear in the text's length.
"""

from __future__ import annotations

import re

MAX_DEPTH = 40
"""The levels of braces and macros that are rewritten; deeper levels are left unchanged."""

_UNICODE = str.maketrans(
    {"−": "-", "–": "-", "×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "/", "∕": "/", "⁄": "/", "π": r"\pi "}
    | {"∞": r"\infty ", "≤": r"\leq ", "≥": r"\geq ", "≠": r"\neq ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in "}
    | {"∅": r"\emptyset ", "±": r"\pm ", "θ": r"\theta ", "°": "", "′": "'", "²": "^2", "³": "^3", "⁴": "^4"}
    | {"½": r"\frac12 ", "¼": r"\frac14 ", "¾": r"\frac34 ", "⅓": r"\frac13 ", "⅔": r"\frac23 "}
)
_NAMES = {"dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "times": "*", "cdot": "*", "div": "/", "le": "leq"}
_NAMES |= {"ge": "geq", "ne": "neq", "varnothing": "emptyset", "lbrace": "{", "rbrace": "}", "vert": "|", "mid": "|"}
# The delimiters of mathematics in a text.
_MARKS = re.compile(r"(?<!\\)(?:\$\$?|\\[()\[\]])")
_SIZES = re.compile(r"\\(?:left|right)(?![A-Za-z])\s?\.?|\\(?:big|Big|bigg|Bigg)[lr]?(?![A-Za-z])|\\displaystyle\b")
_THOUSANDS = re.compile(r"(?<=\d)(?:\{,\}|,?\\[,!]|[\u00a0\u2009\u202f])(?=\d{3}(?!\d))")
_SPACES = re.compile(r"(?<!\\)\\[,;:!> ]|\\q?quad(?![A-Za-z])|[~\s]+")
_INNER = re.compile(r"(?<=[(\[]) | (?=[)\]])")
_SIGNS = re.compile(r"\^\s?(?:\\circ(?![A-Za-z])|\{\s?\\circ\s?\})|\\degree(?![A-Za-z])|\\?%|^(?:\\\$|[€£¥])")
_WORDED = re.compile(r"\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it)|operatorname|mbox|f?boxed|fbox)\s?(?=\{)")
_UNIT = re.compile(r"\\(?:text(?:rm)?|mathrm|mbox)\s?\{[^{}]*+\}(?:\s?\^\s?(?:\d|\{\d\}))?\s*$")
_UNIT_IN_WORDS = re.compile(
    r"\s(?:square |cubic )?units?$"
    r"|(?<=[\d)}])\s(?!(?:or|and|to|pi|if|for|mod|in)\b)[A-Za-z]{2,20}(?:[ /][A-Za-z]{2,20}){0,3}$"
)
_OR = re.compile(r",?\s?(?:\\text\s?\{\s?(?:or|and)\s?\}|(?<=\s)(?:or|and)(?=\s))\s?")
_EQUALS = re.compile(r"(?<![<>!:=])=(?!=)")
_VARIABLE = re.compile(r"(?<![\\A-Za-z])[A-Za-z](?![A-Za-z])")
_NAMED = re.compile(
    r"(^|,)\s?[A-Za-z](?:_\{?\w{1,5}\}?|'{1,3})?(?:\([A-Za-z](?:, ?[A-Za-z]){0,3}\))?\s?(?:=(?!=)|\\in(?![A-Za-z]))\s?"
)
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_WORDS = re.compile(r"[^\W\d_]{2,}(?:[ -][^\W\d_]+)*")
_POINT = re.compile(r"(?<![\d.])(\d*)\.(\d+)(?![\d.])")
_TIMES = re.compile(r"(?<=\d)\*(?=[A-Za-z(])|(?<=[A-Za-z)])\*(?=[A-Za-z(])")
# A space between two digits is kept: 3 1/2 is not 31/2.
_GAP = re.compile(r"\s+(?!\d)|(?<!\d)\s+")
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+|.", re.DOTALL)

_MAX_PASSES = 5
"""The number of passes: a removal may allow another one. Bounded, so that the time stays linear."""


def strip_latex(text: str) -> str:
    """Return an expression without LaTeX delimiters, sizes and spaces, and without the full stop after it."""
    for _ in range(_MAX_PASSES):
        # A backslash at a line's end is a space.
        before, text = text, " ".join(text.split())
        text = _SIZES.sub("", _MARKS.sub(" ", _THOUSANDS.sub("", text)))
        text = _INNER.sub("", " ".join(_SPACES.sub(" ", text).split())).rstrip(".,;: ")
        if text == before:
            break
    return text


def normalize(text: str) -> str:
    """Return the normalized spelling of an expression; see `Expression` for the differences that it removes."""
    text = strip_latex(_SIGNS.sub("", strip_latex(text).translate(_UNICODE)))
    text = _UNIT_IN_WORDS.sub("", _UNIT.sub("", text).strip() or text)
    sides = _EQUALS.split(text)
    if len(sides) > 1 and not _VARIABLE.search(sides[0]):
        # "2^10 = 1024"
        text = sides[-1].strip()
    text = _OR.sub(",", text)
    if (bare := _NAMED.sub(r"\1", text)) != text:
        # "x = 2 + 3 = 5"
        text = bare if "," in bare else _EQUALS.split(bare)[-1].strip()
    text = _WORDED.sub("", text)
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    tokens = _TOKEN.findall(text.replace("**", "^").replace(r"\{", r"\lbrace ").replace(r"\}", r"\rbrace "))
    spelled, position = "", 0
    while position < len(tokens):
        inside, position = _normalize_group(tokens, position, 0)
        # Continue after a brace that closes nothing.
        spelled, position = spelled + inside, position + 1
    spelled = " ".join(spelled.split())
    if re.fullmatch(r"\([A-Za-z]\)", spelled):
        # The label of an option.
        return spelled[1]
    if _WORDS.fullmatch(spelled):
        return spelled.casefold()
    spelled = re.sub(r"\binf(?:inity)?\b", "infty", spelled)
    return _POINT.sub(_shortest, _TIMES.sub("", _GAP.sub("", spelled)))


def _shortest(point: re.Match[str]) -> str:
    """Return a decimal without redundant zeros: 0.5 for .50, 5 for 5.0."""
    behind = point[2].rstrip("0")
    return f"{point[1] or '0'}{'.' if behind else ''}{behind}"


def _normalize_group(tokens: list[str], position: int, depth: int) -> tuple[str, int]:
    """Return the normalized text up to the closing brace, and the position of that brace."""
    pieces: list[str] = []
    while position < len(tokens) and tokens[position] != "}":
        piece, position = _normalize_piece(tokens, position, depth)
        pieces.append(piece)
    return "".join(pieces), position


def _normalize_piece(tokens: list[str], position: int, depth: int) -> tuple[str, int]:
    """Return the normalized piece that begins at a token, and the position of the next."""
    token = tokens[position]
    macro = _NAMES.get(token[1:], token[1:]) if token[0] == "\\" else ""
    if depth >= MAX_DEPTH:
        return token, position + 1
    if token == "{":
        inside, end = _normalize_group(tokens, position + 1, depth + 1)
        # Braces in plain text are a set.
        return (f"{{{inside}}}" if "," in inside else inside), end + 1
    if macro == "frac":
        top, end = _argument(tokens, position + 1, depth, digits=1)
        bottom, end = _argument(tokens, end, depth, digits=1)
        # The spaces distinguish 3\frac{1}{2} from 31/2.
        return f" {_bracketed(top)}/{_bracketed(bottom)} ", end
    if macro == "sqrt" or token == "√":
        degree, position = _degree(tokens, position + 1)
        under, end = _argument(tokens, position, depth, digits=None if token == "√" else 1)
        return f"sqrt{degree}({_without_brackets(under)})", end
    if token in "^_":
        raised, end = _argument(tokens, position + 1, depth)
        return token + _bracketed(raised), end
    if macro.isalpha():
        return macro, position + 1
    return {r"\\": ";", r"\$": "", r"\_": "_"}.get(token, macro or token), position + 1


def _argument(tokens: list[str], position: int, depth: int, digits: int | None = None) -> tuple[str, int]:
    """Return the argument of a macro or an exponent: a group, a bracket, a signed number, or a single piece.

    Args:
        tokens: all tokens; a number of which only a part is taken is shortened in place.
        position: the position after the macro.
        depth: the level of nesting.
        digits: the number of digits taken from a number; None for all. LaTeX's `\\frac12` takes one
            and one, 2^10 takes all.
    """
    while position < len(tokens) and tokens[position].isspace():
        position += 1
    if position >= len(tokens) or tokens[position] == "}":
        return "", position
    if digits and tokens[position].isdigit() and len(tokens[position]) > digits:
        taken, tokens[position] = tokens[position][:digits], tokens[position][digits:]
        return taken, position
    if tokens[position] == "{":
        inside, end = _normalize_group(tokens, position + 1, depth + 1) if depth < MAX_DEPTH else ("", position)
        return inside, end + 1
    if tokens[position] in "+-":
        rest, end = _argument(tokens, position + 1, depth + 1) if depth < MAX_DEPTH else ("", position + 1)
        return tokens[position] + rest, end
    if tokens[position] == "(" and ")" in tokens[position : position + 60]:
        end, level = position, 0
        while end < len(tokens):
            level += (tokens[end] == "(") - (tokens[end] == ")")
            end += 1
            if level == 0:
                break
        return "".join(_normalize_piece(tokens, index, MAX_DEPTH)[0] for index in range(position, end)), end
    return _normalize_piece(tokens, position, depth + 1)


def _degree(tokens: list[str], position: int) -> tuple[str, int]:
    """Return the degree of a root, `[3]`, or an empty text, and the next position."""
    if position < len(tokens) and tokens[position] == "[" and "]" in tokens[position : position + 12]:
        end = tokens.index("]", position)
        return "".join(tokens[position + 1 : end]), end + 1
    return "", position


def _without_brackets(part: str) -> str:
    """Return a part without a bracket around the whole of it."""
    part = part.strip()
    if part.startswith("(") and part.endswith(")"):
        depth = 0
        for position, character in enumerate(part):
            depth += (character == "(") - (character == ")")
            if depth == 0:
                return part[1:-1].strip() if position == len(part) - 1 else part
    return part


def _bracketed(part: str) -> str:
    """Return a part in brackets if it is more than one number or name."""
    part = _GAP.sub("", _without_brackets(part))
    return part if re.fullmatch(r"\d+(?:\.\d+)?|[A-Za-z]\w*(?:\([^()]*\))?|", part) else f"({part})"
