"""The modules that a program imports and the names that it calls, read from its source."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from reasoning.sandbox.code_extraction import parse

MODULES = frozenset(
    {
        "abc", "array", "base64", "binascii", "bisect", "calendar", "cmath", "collections", "contextlib", "copy", "csv",
        "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions", "functools", "graphlib", "hashlib",
        "heapq", "io", "itertools", "json", "keyword", "locale", "math", "numbers", "operator", "pprint", "queue",
        "random", "re", "secrets", "statistics", "string", "struct", "sys", "textwrap", "time", "timeit", "traceback",
        "types", "typing", "unicodedata", "uuid", "warnings", "zoneinfo", "__future__",
    }
)  # fmt: skip
"""The modules of the standard library that programs may import: those that only compute."""

_BUILTINS = frozenset(dir(builtins))


def imported_modules(code: str) -> dict[str, int]:
    """Return the top-level modules that `code` imports, with the line of the first import."""
    tree = parse(code) if "import" in code else None
    lines: dict[str, int] = {}
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            for alias in node.names:
                lines.setdefault(alias.name.partition(".")[0], node.lineno)
        elif isinstance(node, ast.ImportFrom):
            lines.setdefault("." if node.level else (node.module or "").partition(".")[0], node.lineno)
    return lines


def undefined_calls(code: str) -> list[str]:
    """Return the sorted names that `code` calls but never defines, imports or assigns."""
    tree = parse(code)
    if tree is None:
        return []
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    if not (called := called - _BUILTINS):
        return []
    return sorted(called.difference(*map(_bound_names, ast.walk(tree))))


def _bound_names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.arg(arg=name):
            yield name
        case ast.alias(name=name, asname=other):
            yield other or name.partition(".")[0]
        case ast.ExceptHandler(name=str() as name):
            yield name
        case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name) | ast.MatchMapping(rest=str() as name):
            yield name
