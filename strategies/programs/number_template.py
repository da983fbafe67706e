"""A word problem with variables in place of its numbers, and programs that try its solutions on other numbers.

(MathPrompter, Imani et al. 2023, arXiv 2303.05398.)
"""

from __future__ import annotations

import ast
import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from reasoning.kinds.number_lexer import lex_numbers
from reasoning.sandbox.code_extraction import extract_code, parse
from reasoning.sandbox.execution import PlainData

_NUMBER = re.compile(r"(?<![\w.])(?:\d{1,3}(?:,\d{3}){1,5}|\d{1,15})(?:\.\d{1,9})?(?![\d]|[.,]\d|st\b|nd\b|rd\b|th\b)")
_FIXED = ("date", "time", "label")  # no quantities: nobody calculates with the 3 of "Question 3"
_LARGEST = 500
_FORMULA = re.compile(r"Answer\W{0,4}=([^=\n<>!]++(?:(?:[<>]=?|[=!]=)[^=\n<>!]++)?)", re.IGNORECASE)
_UNSAID_PRODUCT = re.compile(r"(?<=\d)\s?(?=\()|(?<=\))\s?(?=\(|v\d)|(?<=\d)(?=v\d)")
_SIGNS = str.maketrans({"^": "**", "×": "*", "·": "*", "÷": "/", "−": "-", "`": "", "$": "", "\\": ""})


@dataclass(frozen=True)
class NumberTemplate:
    """What a question says, whatever its numbers are.

    Attributes:
        text: the question with v1, v2, … in place of its numbers, each occurrence with one of its own.
        values: the numbers that the question has.
    """

    text: str
    values: Mapping[str, int | float]

    @classmethod
    def from_question(cls, question: str) -> NumberTemplate:
        """The template of a question. Numbers in words, ordinals, dates and times stay as they are."""
        fixed = [(token.start, token.end) for token in lex_numbers(question) if token.category in _FIXED]
        values: dict[str, int | float] = {}

        def variable(match: re.Match[str]) -> str:
            if any(start < match.end() and match.start() < end for start, end in fixed):
                return match[0]
            name, digits = f"v{len(values) + 1}", match[0].replace(",", "")
            values[name] = float(digits) if "." in digits else int(digits)
            return name

        return cls(_NUMBER.sub(variable, question), values)

    @cached_property
    def names(self) -> str:
        """The variables, with commas between."""
        return ", ".join(self.values)

    def sample_values(self, n: int) -> list[list[int | float]]:
        """`n` sets of random values, the same ones for the same template: whole numbers in place of whole ones."""
        rng = random.Random(self.text)
        return [[self._drawn(rng, value) for value in self.values.values()] for _ in range(n)]

    def _drawn(self, rng: random.Random, value: int | float) -> int | float:
        return rng.randint(1, _LARGEST) if isinstance(value, int) else rng.randint(1, 100 * _LARGEST) / 100


def parse_formula(reply: str, template: NumberTemplate) -> str | None:
    """A program that evaluates the formula of a reply, "Answer = …", for each of `sets`; None where there is none."""
    found = _FORMULA.findall(reply)
    formula = _UNSAID_PRODUCT.sub("*", found[-1].translate(_SIGNS)).strip(" .*") if found else ""
    return _for_each_set(formula, template) if formula and parse(f"({formula})") else None


def parse_function(reply: str, template: NumberTemplate) -> str | None:
    """A program that calls the function of a reply for each of `sets`: by name, else in the given order."""
    code = extract_code(reply)
    tree = parse(code) if code else None
    known = [node for node in tree.body if isinstance(node, ast.FunctionDef)] if tree else []
    if not known:
        return None
    function = next((one for one in known if one.name == "solution"), None) or next(
        (one for one in known if len(_parameters(one)) == len(template.values)), known[0]
    )
    taken = _parameters(function)
    by_name = ", ".join(f"{name}={name}" for name in taken)
    given = by_name if set(taken) <= set(template.values) else template.names
    return f"{code}\n{_for_each_set(f'{function.name}({given})', template)}"


def same_result(a: PlainData, b: PlainData) -> bool:
    """Whether two results are equal, but for what floats lose."""
    if isinstance(a, bool) or isinstance(b, bool) or not isinstance(a, int | float) or not isinstance(b, int | float):
        return a == b
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)


def _parameters(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    return [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _for_each_set(expression: str, template: NumberTemplate) -> str:
    """Its value for each set, None where it fails."""
    return (
        f"results = []\nfor {template.names}, in sets:\n    try:\n        results.append({expression})\n"
        "    except Exception:\n        results.append(None)\n"
    )
