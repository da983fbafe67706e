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
    """Return an expression without LaTeX delimiters, sizes and spaces, and without the full stop behind it."""
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
    spelled, at = "", 0
    while at < len(tokens):
        inside, at = _group(tokens, at, 0)
        # Continue behind a brace that closes nothing.
        spelled, at = spelled + inside, at + 1
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


def _group(tokens: list[str], at: int, depth: int) -> tuple[str, int]:
    """Return the normalized text up to the closing brace, and the position of that brace."""
    pieces: list[str] = []
    while at < len(tokens) and tokens[at] != "}":
        piece, at = _piece(tokens, at, depth)
        pieces.append(piece)
    return "".join(pieces), at


def _piece(tokens: list[str], at: int, depth: int) -> tuple[str, int]:
    """Return the normalized piece that begins at a token, and the position of the next."""
    token = tokens[at]
    macro = _NAMES.get(token[1:], token[1:]) if token[0] == "\\" else ""
    if depth >= MAX_DEPTH:
        return token, at + 1
    if token == "{":
        inside, end = _group(tokens, at + 1, depth + 1)
        # Braces in plain text are a set.
        return (f"{{{inside}}}" if "," in inside else inside), end + 1
    if macro == "frac":
        top, end = _argument(tokens, at + 1, depth, digits=1)
        bottom, end = _argument(tokens, end, depth, digits=1)
        # The spaces distinguish 3\frac{1}{2} from 31/2.
        return f" {_bracketed(top)}/{_bracketed(bottom)} ", end
    if macro == "sqrt" or token == "√":
        degree, at = _degree(tokens, at + 1)
        under, end = _argument(tokens, at, depth, digits=None if token == "√" else 1)
        return f"sqrt{degree}({_without_brackets(under)})", end
    if token in "^_":
        raised, end = _argument(tokens, at + 1, depth)
        return token + _bracketed(raised), end
    if macro.isalpha():
        return macro, at + 1
    return {r"\\": ";", r"\$": "", r"\_": "_"}.get(token, macro or token), at + 1


def _argument(tokens: list[str], at: int, depth: int, digits: int | None = None) -> tuple[str, int]:
    """Return the argument of a macro or an exponent: a group, a bracket, a signed number, or a single piece.

    Args:
        tokens: all tokens; a number of which only a part is taken is shortened in place.
        at: the position behind the macro.
        depth: the level of nesting.
        digits: the number of digits taken from a number; None for all. LaTeX's `\\frac12` takes one
            and one, 2^10 takes all.
    """
    while at < len(tokens) and tokens[at].isspace():
        at += 1
    if at >= len(tokens) or tokens[at] == "}":
        return "", at
    if digits and tokens[at].isdigit() and len(tokens[at]) > digits:
        taken, tokens[at] = tokens[at][:digits], tokens[at][digits:]
        return taken, at
    if tokens[at] == "{":
        inside, end = _group(tokens, at + 1, depth + 1) if depth < MAX_DEPTH else ("", at)
        return inside, end + 1
    if tokens[at] in "+-":
        rest, end = _argument(tokens, at + 1, depth + 1) if depth < MAX_DEPTH else ("", at + 1)
        return tokens[at] + rest, end
    if tokens[at] == "(" and ")" in tokens[at : at + 60]:
        end, level = at, 0
        while end < len(tokens):
            level += (tokens[end] == "(") - (tokens[end] == ")")
            end += 1
            if level == 0:
                break
        return "".join(_piece(tokens, place, MAX_DEPTH)[0] for place in range(at, end)), end
    return _piece(tokens, at, depth + 1)


def _degree(tokens: list[str], at: int) -> tuple[str, int]:
    """Return the degree of a root, `[3]`, or an empty text, and the next position."""
    if at < len(tokens) and tokens[at] == "[" and "]" in tokens[at : at + 12]:
        end = tokens.index("]", at)
        return "".join(tokens[at + 1 : end]), end + 1
    return "", at


def _without_brackets(part: str) -> str:
    """Return a part without a bracket around the whole of it."""
    part = part.strip()
    if part.startswith("(") and part.endswith(")"):
        depth = 0
        for at, character in enumerate(part):
            depth += (character == "(") - (character == ")")
            if depth == 0:
                return part[1:-1].strip() if at == len(part) - 1 else part
    return part


def _bracketed(part: str) -> str:
    """Return a part in brackets if it is more than one number or name."""
    part = _GAP.sub("", _without_brackets(part))
    return part if re.fullmatch(r"\d+(?:\.\d+)?|[A-Za-z]\w*(?:\([^()]*\))?|", part) else f"({part})"
