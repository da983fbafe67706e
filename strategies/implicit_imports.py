"""Implicit imports: modules that programs use without importing them."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

from reasoning.sandbox.code_extraction import parse

_SOLVE_IT = """
def solve_it(equation, variable):
    found = solve(equation, variable, dict=True)
    return found[0] if found else dict.fromkeys(variable if isinstance(variable, list) else [variable])
"""
_MODULES = {
    **dict.fromkeys(("math", "statistics", "datetime", "itertools", "collections", "fractions", "sympy"), "import {}"),
    "np": "import numpy as np",
    "relativedelta": "from dateutil.relativedelta import relativedelta",
    "timedelta": "from datetime import timedelta",
    "Fraction": "from fractions import Fraction",
    **dict.fromkeys(("Symbol", "symbols", "Eq", "simplify", "solve"), "from sympy import {}"),
    **dict.fromkeys((name for name in dir(math) if name[0] != "_" and name not in ("e", "pow")), "from math import {}"),
}


def add_imports(code: str) -> str:
    """Add the imports that a program forgot, judging by its names: `math`, `sqrt`, `np`, `solve`, ….

    The papers ran programs with these names in scope, and models still rely on it.
    `solve_it(equation, variable)` is the helper of program of thoughts: it returns the first
    solution as a dict.

    Source:
        Chen et al. (2022), arXiv 2211.12588.
    """
    tree = parse(code)
    if tree is None:
        return code
    nodes = list(ast.walk(tree))
    used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    missing = used.difference(*map(_bound, nodes))
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in nodes):
        # The names that a star import brings are unknown.
        return code
    helper = _SOLVE_IT if "solve_it" in missing else ""
    missing |= {"solve"} if helper else set()
    imports = [_MODULES[name].format(name) for name in sorted(missing) if name in _MODULES]
    return "\n".join([*imports, helper.lstrip() + code]) if imports else code


def defined_functions(code: str) -> set[str]:
    """Return the names of the functions that a program defines at the top level."""
    tree = parse(code)
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} if tree else set()


def _bound(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.alias(name=name, asname=alias):
            yield alias or name.partition(".")[0]
