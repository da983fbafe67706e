"""Worked examples made of programs that answer a question."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import replace

from reasoning.problem import Problem
from reasoning.sandbox.code_extraction import extract_code
from reasoning.sandbox.syntax import parse_source
from reasoning.strategies.demonstrations.chain_examples import chain_example
from reasoning.strategies.demonstrations.worked_example import WorkedExample


def program_example(problem: Problem, reply: str, value: object) -> WorkedExample | None:
    """Return the worked example of a reply with a program; None without one.

    The body of a function `solution()` becomes straight-line code that ends with `ans = …`, as in other
    worked examples.
    """
    if (code := extract_code(reply)) is None:
        return None
    return replace(chain_example(problem, "", value), program=_straight(code.strip("\n")))


def _straight(code: str) -> str:
    """Return a program that sets `ans`: the body of its only function if that returns once, at its end."""
    try:
        tree = parse_source(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code
    assert isinstance(tree, ast.Module)
    match tree.body:
        case [ast.FunctionDef(body=[*_, ast.Return(value=ast.expr())]) as function] if _returns(function) == 1:
            body = [node for node in function.body if not _is_docstring(node)]
            lines = code.splitlines()[body[0].lineno - 1 : body[-1].end_lineno]
            *before, last = textwrap.dedent("\n".join(lines)).splitlines()
            if last.startswith("return "):
                return "\n".join([*before, f"ans = {last.removeprefix('return ')}"])
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return f"{code}\nans = solution()" if "solution" in names else code


def _returns(function: ast.FunctionDef) -> int:
    return sum(isinstance(node, ast.Return) for node in ast.walk(function))


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
