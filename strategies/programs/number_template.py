"""Word problems with variables for their numbers, and programs that evaluate solutions on other numbers.

Source:
    Imani et al. (2023), arXiv 2303.05398.
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
from reasoning.strategies.programs.formula import read_formula

_NUMBER = re.compile(r"(?<![\w.])(?:\d{1,3}(?:,\d{3}){1,5}|\d{1,15})(?:\.\d{1,18})?(?![\d]|[.,]\d|st\b|nd\b|rd\b|th\b)")
_NOT_QUANTITIES = ("date", "time", "label")
"""Categories of numbers that are not calculated with, such as the 3 of "Question 3"."""
_MAX_RANDOM = 500


@dataclass(frozen=True)
class NumberTemplate:
    """A question without its concrete numbers.

    Attributes:
        text: the question with v1, v2, … for its numbers, one variable per occurrence.
        values: the question's numbers by variable.
    """

    text: str
    values: Mapping[str, int | float]

    @classmethod
    def from_question(cls, question: str) -> NumberTemplate:
        """Make the template of a question. Numbers in words, ordinals, dates and times are kept."""
        excluded = [(token.start, token.end) for token in lex_numbers(question) if token.category in _NOT_QUANTITIES]
        values: dict[str, int | float] = {}

        def variable(match: re.Match[str]) -> str:
            if any(start < match.end() and match.start() < end for start, end in excluded):
                return match[0]
            name, digits = f"v{len(values) + 1}", match[0].replace(",", "")
            values[name] = float(digits) if "." in digits else int(digits)
            # "v1 kg" for "5kg"
            return f"{name} " if question[match.end() : match.end() + 1].isalpha() else name

        return cls(_NUMBER.sub(variable, question), values)

    @cached_property
    def names(self) -> str:
        """The variables, separated by commas."""
        return ", ".join(self.values)

    def sample_values(self, n: int) -> list[list[int | float]]:
        """Return `n` sets of random values, integers for integers; the same template gets the same sets."""
        rng = random.Random(self.text)
        return [[self._random_value(rng, value) for value in self.values.values()] for _ in range(n)]

    def _random_value(self, rng: random.Random, value: int | float) -> int | float:
        return rng.randint(1, _MAX_RANDOM) if isinstance(value, int) else rng.randint(1, 100 * _MAX_RANDOM) / 100


def parse_formula(reply: str, template: NumberTemplate) -> str | None:
    """Return a program that evaluates the reply's formula for each of `sets`, or None without one."""
    formula = read_formula(reply, template.values)
    return _for_each_set(formula, template) if formula else None


def parse_function(reply: str, template: NumberTemplate) -> str | None:
    """Return a program that calls the reply's function for each of `sets`, by name if possible, else in order.

    Only definitions are run: an example of its use may ask for input. A function that prints its
    result instead of returning it returns it here.
    """
    tree = parse(extract_code(reply) or "")
    body = [statement for statement in tree.body if _defines(statement)] if tree else []
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    if not functions:
        return None
    function = next((candidate for candidate in functions if candidate.name == "solution"), None) or next(
        (candidate for candidate in functions if len(_parameters(candidate)) == len(template.values)), functions[0]
    )
    _return_printed(function)
    parameters = _parameters(function)
    by_name = ", ".join(f"{name}={name}" for name in parameters)
    arguments = by_name if set(parameters) <= set(template.values) else template.names
    code = ast.unparse(ast.Module(body, []))
    return f"{code}\n{_for_each_set(f'{function.name}({arguments})', template)}"


def _defines(statement: ast.stmt) -> bool:
    """Return whether a statement defines a function, a class or a constant, or imports a module."""
    constant = isinstance(statement, ast.Assign | ast.AnnAssign) and not any(
        isinstance(node, ast.Call) for node in ast.walk(statement)
    )
    return constant or isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)


def _return_printed(function: ast.FunctionDef) -> None:
    """Let a function that returns nothing return what its last line prints."""
    returns = any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(function))
    match function.body[-1]:
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[*_, printed])) if not returns:
            function.body[-1] = ast.Return(printed)


def same_result(a: PlainData, b: PlainData) -> bool:
    """Return whether two results are equal up to floating-point error."""
    if isinstance(a, bool) or isinstance(b, bool) or not isinstance(a, int | float) or not isinstance(b, int | float):
        return a == b
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)


def _parameters(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    return [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _for_each_set(expression: str, template: NumberTemplate) -> str:
    """Return code that evaluates an expression for each set, with None where it fails."""
    return (
        f"results = []\nfor {template.names}, in sets:\n    try:\n        results.append({expression})\n"
        "    except Exception:\n        results.append(None)\n"
    )
