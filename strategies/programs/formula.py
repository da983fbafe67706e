"""Formulas in replies: one expression in Python's notation, in LaTeX or in plain text."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from reasoning.kinds.boxes import find_last_box
from reasoning.sandbox.code_extraction import parse

_MAX_CHARS = 500
_MAX_LINES = 200
_MAX_DEPTH = 20
"""The levels of braces that are translated."""
_CHARACTERS = str.maketrans(
    {chr(0xFF01 + index): chr(0x21 + index) for index in range(94)}
    | {chr(0x2080 + digit): str(digit) for digit in range(10)}
    | {"×": "*", "·": "*", "⋅": "*", "∙": "*", "∗": "*", "÷": "/", "∕": "/", "⁄": "/", "−": "-", "–": "-"}
    | {"≤": "<=", "≥": ">=", "≠": "!=", "²": "**2", "³": "**3", "\u00a0": " ", "\u2009": " ", "\u202f": " "}
    | dict.fromkeys("`$€£&\u200b", "")
)
# "Answer =", "**Final answer:**", "The answer (in dollars) is", "\text{Answer} ="; "A =" begins a line.
_LABEL = re.compile(
    r"(?:\banswer\b(?:\s?\([^()\n]{1,40}\))?\W{0,6}?(?:\bis\b|[=:])|^\W{0,8}(?:ans|a|result)\b\W{0,4}=)[\s:=]*",
    re.IGNORECASE,
)
_ONLY_MARKUP = re.compile(r"[\s`~$*\\()\[\]]*(?:python|py|text|latex|math)?\s*")
# A formula ends before a comment, an explanation or the next line of an alignment.
_END = re.compile(r"#|—|;|->|→|⇒|\\\\(?!\w)|,?\s(?:where|since|because|which|assuming|so|i\.e\.)\s", re.IGNORECASE)
# One equals sign: no comparison.
_EQUALS = re.compile(r"(?<![<>!=])=(?!=)")
# Bold or quotes around a formula: a power has an operand after its stars.
_BOLD = re.compile(r"\A\*\*(.+?)\*\*(?!\s*[\w(])|\A\*\*(.+?)\*\*(?=\s+[^\W\dv])")
_AFTER = re.compile(r"(?:(?<=[^\s*])\*{1,3}|[ .,:\"'])+\Z")
_VARIABLE = re.compile(r"(?<![A-Za-z])[vV](?:\\?_)?(?:\{(\d{1,3})\}|(\d{1,3}))")
_GROUPS = (
    (re.compile(r"\\[dtc]?frac\s?\{([^{}]*)\}\s?\{([^{}]*)\}"), r"((\1)/(\2))"),
    (re.compile(r"\\sqrt\s?\{([^{}]*)\}"), r"sqrt(\1)"),
    (re.compile(r"\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it)|operatorname|mbox)\s?\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\\f?boxed\s?\{([^{}]*)\}|(?<![a-z}])\{([^{}]*)\}"), r"(\1\2)"),
)
_MACROS = (
    (re.compile(r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|q?quad)(?![A-Za-z])\.?|\\[,;:! ()\[\]$]"), " "),
    (re.compile(r"\\(?:times|cdot|ast)(?![A-Za-z])"), "*"),
    (re.compile(r"\\div(?![A-Za-z])"), "/"),
    (re.compile(r"\\l(ceil|floor)(?![A-Za-z])"), r"\1("),
    (re.compile(r"\\r(?:ceil|floor)(?![A-Za-z])"), ")"),
    (re.compile(r"\\(?:leq?|leqslant)(?![A-Za-z])"), "<="),
    (re.compile(r"\\(?:geq?|geqslant)(?![A-Za-z])"), ">="),
    (re.compile(r"\\neq?(?![A-Za-z])"), "!="),
    (re.compile(r"\\[lg]t(?![A-Za-z])"), lambda sign: {"l": "<", "g": ">"}[sign[0][1]]),
    (re.compile(r"\\(?=max|min|%)"), ""),
    (re.compile(r"\^"), "**"),
    # "20% of …" is no remainder.
    (re.compile(r"%(?=\s*(?:[)*/+]|$))"), "/100"),
    (re.compile(r"(?<![\w.,])(\d{1,3}),(\d{3})(?![\w,])"), r"\1\2"),
)
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE]-?\d{1,3})?|\.\d+)|(?P<name>[^\W\d][\w.]*)|(?P<sign>\*\*|//|[<>=!]=|[-+*/%<>(),]))"
)
_FUNCTIONS = frozenset({"max", "min", "abs", "round", "int", "float", "sum", "pow", "sqrt", "ceil", "floor"})
_CALLABLE = _FUNCTIONS | {f"math.{name}" for name in ("sqrt", "ceil", "floor", "pow")}
_KEYWORDS = frozenset({"if", "else", "and", "or", "not", "True", "False"})
_NODES = (
    *(ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.IfExp, ast.Call, ast.Name, ast.Attribute, ast.Constant),
    *(ast.List, ast.Tuple, ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.expr_context),
)
# Words after a formula that are no unit: they change its value.
_CALCULATE = re.compile(
    r"\b(?:minus|plus|times|less|over|divided|multiplied|squared|cubed|percent|mod|modulo|remainder|rounded|round|half|twice|"
    r"double|doubled|triple|dozens?|hundreds?|thousands?|millions?|per ?cent|factorial)\b",
    re.IGNORECASE,
)
_UNIT = re.compile(r"[^\W\d_]+(?:[ ,'/.-]{1,2}[^\W\d_]+){0,7}[ .!]*|[%.!]?")
_IN_BRACKETS = re.compile(r"\s*[(\[]([^()\[\]\d]*)[)\]]\s*\Z")


class _Formula(NamedTuple):
    """An expression, and whether it contains a variable."""

    source: str
    varies: bool


def read_formula(reply: str, variables: Collection[str]) -> str | None:
    r"""Return the formula that a reply states, as a Python expression of the variables; None without one.

    It follows a label such as "Answer =", or is in a box, or is the whole reply; the last one
    counts, and one with variables rather than one without. Read are Python, LaTeX, the signs ×, ÷
    and ^, products without a sign, and a unit or a comment after the formula. A formula with other
    names than the variables and common functions is not accepted, nor one with words that
    calculate ("minus", "rounded").

    Args:
        reply: the reply.
        variables: the names v1, v2, ….

    Examples:
        >>> read_formula(r"\[ \text{Answer} = \frac{v_1 \times v_2}{2} \text{ euros} \]", ["v1", "v2"])
        '((v1*v2)/(2))'
        >>> read_formula("Answer = v1 minus v2", ["v1", "v2"]) is None
        True
    """
    constant = None
    for text in _candidates(reply):
        for side in _EQUALS.split(text)[:_MAX_DEPTH]:
            formula = _read_expression(side, variables)
            if formula is not None and formula.varies:
                return formula.source
            constant = constant or formula
    return constant.source if constant else None


def _candidates(reply: str) -> Iterator[str]:
    """Yield the texts that may be the formula, the best first."""
    lines = reply.replace(r"\$", "").translate(_CHARACTERS).splitlines()[-_MAX_LINES:]
    for index in range(len(lines) - 1, -1, -1):
        labels = list(_LABEL.finditer(lines[index][: 4 * _MAX_CHARS]))
        if labels:
            rest = lines[index][labels[-1].end() :]
            # The formula may be in a block below its label.
            below = (line for line in lines[index + 1 :] if not _ONLY_MARKUP.fullmatch(line))
            yield next(below, "") if _ONLY_MARKUP.fullmatch(rest) else rest
    if (box := find_last_box(reply)) is not None:
        yield box.text.translate(_CHARACTERS)
    filled = [line for line in lines if not _ONLY_MARKUP.fullmatch(line)]
    if len(filled) == 1:
        yield filled[0]


def _read_expression(text: str, variables: Collection[str]) -> _Formula | None:
    text = _BOLD.sub(r"\1\2", (text[: end.start()] if (end := _END.search(text)) else text).strip(), count=1)
    text = _AFTER.sub("", text).lstrip(" *\"'")
    if not text or len(text) > _MAX_CHARS:
        return None
    text = _from_latex(_VARIABLE.sub(lambda name: f"v{name[1] or name[2]}", text))
    return _checked(text.strip(), variables) or _checked(_in_python(text, variables), variables)


def _from_latex(text: str) -> str:
    for _ in range(_MAX_DEPTH if "{" in text else 0):
        before = text
        for pattern, python in _GROUPS:
            text = pattern.sub(python, text)
        text = re.sub(r"\^\s?\{([^{}]*)\}", r"**(\1)", text)
        if text == before:
            break
    for pattern, replacement in _MACROS:
        text = pattern.sub(replacement, text)
    return text


def _in_python(text: str, variables: Collection[str]) -> str | None:
    """Return a formula in plain text as Python: with the signs of its products, and without its unit."""
    if (bracket := _IN_BRACKETS.search(text)) and bracket.start() and not _CALCULATE.search(bracket[1]):
        text = text[: bracket.start()]
    parts: list[str] = []
    position, operand = 0, False
    while position < len(text.rstrip()):
        token = _TOKEN.match(text, position)
        if token is None:
            return None
        name = token["name"]
        if name in ("x", "X") and operand:
            parts.append("*")
            operand = False
        elif name and name not in _KEYWORDS and name not in _CALLABLE and not _is_product(name, variables):
            # A unit: nothing may follow it.
            rest = text[position:].strip()
            return "".join(parts) if operand and _UNIT.fullmatch(rest) and not _CALCULATE.search(rest) else None
        elif name in _KEYWORDS:
            parts.append(f" {name} ")
            operand = False
        else:
            starts = name is not None or token["number"] is not None or token["sign"] == "("
            if starts and operand:
                if token["number"] is not None:
                    return None
                parts.append("*")
            parts.append(re.sub(r"(?<=\d)(?=v)", "*", name) if name and name not in _CALLABLE else token[0].strip())
            operand = token["sign"] == ")" or (token["sign"] is None and name not in _CALLABLE)
        position = token.end()
    return "".join(parts)


def _is_product(name: str, variables: Collection[str]) -> bool:
    """Return whether a name is a variable, or several without a sign between them, such as v1v2."""
    return all(part in variables for part in re.sub(r"(?<=\d)(?=v)", " ", name).split())


def _checked(source: str | None, variables: Collection[str]) -> _Formula | None:
    """Return a Python expression if it only calculates with the variables."""
    tree = parse(f"({source})") if source else None
    if source is None or tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return None
    expression = tree.body[0].value
    names = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
    functions = {ast.unparse(node.func) for node in ast.walk(expression) if isinstance(node, ast.Call)}
    calculates = (
        all(isinstance(node, _NODES) for node in ast.walk(expression))
        and not isinstance(expression, ast.Tuple | ast.List)
        and not any(isinstance(node, ast.Constant) and isinstance(node.value, str) for node in ast.walk(expression))
        and functions <= _CALLABLE
        and {ast.unparse(node) for node in ast.walk(expression) if isinstance(node, ast.Attribute)} <= _CALLABLE
        and names <= {*variables, *_FUNCTIONS, "math"}
    )
    return _Formula(source, bool(names & set(variables))) if calculates else None
