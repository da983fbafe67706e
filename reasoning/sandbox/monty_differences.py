"""The constructs to which Monty gives another value than CPython, found in a program's syntax tree.

Monty raises an error for most of what it lacks, and the interpreter then runs the program in
CPython. The constructs here raise nothing. They were found by running expressions and generated
programs in both (tests/sandbox/test_agreement.py).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from reasoning.sandbox.code_extraction import parse

# A program without any of these words needs no syntax tree: most calculations.
_SUSPECT = re.compile(
    r"\b(?:all|any|atanh|cbrt|class|dir|enumerate|erfc?|filter|for|frozenset|l?gamma|getattr|hasattr|hash|id|import|is"
    r"|keys|items|locals|map|reversed|set|sum|try|vars|zip)\b|\{"
)
_LAZY = frozenset({"zip", "enumerate", "reversed", "map", "filter"})
# Callables that read all of an iterator before they return.
_CONSUMERS = frozenset(
    {
        "list", "tuple", "set", "frozenset", "dict", "sorted", "sum", "min", "max", "Counter", "deque", "prod", "fsum",
        "join", "extend", "update",
    }
)  # fmt: skip
_PURE = frozenset(
    {
        "abs", "bool", "chr", "divmod", "float", "format", "hex", "int", "isinstance", "len", "list", "max", "min",
        "ord", "pow", "print", "range", "repr", "round", "sorted", "str", "sum", "tuple", "type",
        "capitalize", "count", "endswith", "find", "get", "index", "isalnum", "isalpha", "isdigit", "islower",
        "isspace", "isupper", "join", "lower", "lstrip", "replace", "rstrip", "split", "startswith", "strip", "title",
        "upper", "zfill",
    }
)  # fmt: skip
"""Functions and methods that change nothing and call nothing of the program's."""
_CHANGING_METHODS = frozenset({"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"})
# Names whose values are a matter of the implementation.
_UNSPECIFIED_NAMES = frozenset({"dir", "hash", "id", "locals", "vars"}) | (
    {"sum"} if sys.version_info >= (3, 12) else set()  # sums of floats are compensated there
)
_UNSPECIFIED_MODULES = frozenset({"re", "sys"})
_OTHER_LIBRARY = frozenset({"atanh", "cbrt", "erf", "erfc", "gamma", "lgamma"})
"""Functions of `math` whose last digit differs."""
_IGNORED_METHODS = frozenset(
    {"__bool__", "__delattr__", "__format__", "__getattr__", "__getattribute__", "__len__", "__ne__", "__setattr__"}
)
"""Methods of a class that Monty does not call where Python does."""


@dataclass(frozen=True)
class Difference:
    """A construct that needs CPython.

    Attributes:
        what: a name of it, for a message.
        wrong: whether Monty's value contradicts the language. Otherwise the language leaves the
            value open, or the difference shows in rare cases only.
    """

    what: str
    wrong: bool = False


def find_difference(code: str) -> Difference | None:
    """Return a construct of the program that Monty runs differently, the worst one, or None."""
    if not _SUSPECT.search(code):
        return None
    tree = parse(code)
    if tree is None:
        return None
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    imports_itertools = False
    lazy = False
    found: Difference | None = None
    for node in parents:
        match node:
            case ast.GeneratorExp() | ast.Call(func=ast.Name(id="zip" | "enumerate" | "reversed" | "map" | "filter")):
                lazy = True
                difference = _check_lazy(node, parents)
            case ast.Name(id=name, ctx=ast.Load()) if name in _LAZY:
                call = parents[node]
                called = isinstance(call, ast.Call) and call.func is node
                difference = None if called else Difference(f"{name} as a value")
            case ast.FunctionDef(name=name) if name in _IGNORED_METHODS and isinstance(parents[node], ast.ClassDef):
                difference = Difference(f"the method {name}", wrong=True)
            case ast.Import(names=aliases):
                imports_itertools |= any(alias.name == "itertools" for alias in aliases)
                difference = _check_modules(alias.name for alias in aliases)
            case ast.ImportFrom(module=module, names=aliases):
                imports_itertools |= module == "itertools"
                difference = _check_modules([module or ""]) or _check_names(alias.name for alias in aliases)
            case _:
                difference = _check_other(node)
        if difference is not None:
            found = difference
            if difference.wrong:
                return difference
    if lazy and imports_itertools:
        return Difference("an iterator that may have no end")
    return found


def _check_other(node: ast.AST) -> Difference | None:
    match node:
        case ast.Set() | ast.SetComp() | ast.Name(id="set" | "frozenset", ctx=ast.Load()):
            return Difference("the order of a set")
        case ast.BinOp(left=ast.Call(func=ast.Attribute(attr="keys" | "items"))):
            return Difference("the order of a set")
        case ast.ClassDef():
            return Difference("a class")
        case ast.Try() | ast.TryStar():
            # It may hide an error of Monty's, and the messages of errors have other words.
            return Difference("an exception that is caught")
        case ast.Name(id="hasattr" | "getattr", ctx=ast.Load()):
            return Difference("an attribute that is looked for")
        case ast.Name(id=name, ctx=ast.Load()) if name in _UNSPECIFIED_NAMES:
            return Difference(f"the built-in {name}")
        case ast.Attribute(attr=name) if name in _OTHER_LIBRARY:
            return Difference(f"math.{name}")
        case ast.Compare(ops=operators, comparators=values) if any(
            isinstance(operator, ast.Is | ast.IsNot)
            and isinstance(value, ast.Constant)
            and isinstance(value.value, int | float | str)
            and not isinstance(value.value, bool)
            for operator, value in zip(operators, values, strict=True)
        ):
            return Difference("the identity of a constant")
    return None


def _check_modules(names: Iterable[str]) -> Difference | None:
    return next((Difference(f"the module {name}") for name in names if name in _UNSPECIFIED_MODULES), None)


def _check_names(names: Iterable[str]) -> Difference | None:
    return next((Difference(f"math.{name}") for name in names if name in _OTHER_LIBRARY), None)


def _check_lazy(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Difference | None:
    """Check an iterator that Monty makes a list: it must be read at once, to its end, by one reader."""
    what = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else "a generator"
    match parents[node]:
        case ast.Starred() | ast.Assign(targets=[ast.Tuple() | ast.List()]):
            return None
        case ast.Assign(targets=[ast.Name(id=name)]):
            loads = (part for part in parents if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load))
            return Difference(f"{what} that is kept", wrong=sum(part.id == name for part in loads) > 1)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments) if node in arguments:
            if name in _CONSUMERS or (name in _LAZY and name != "reversed" and _is_pure(node)):
                return None
        case ast.For(iter=iterated, body=body) if iterated is node and isinstance(node, ast.Call):
            names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            late = any(isinstance(part, ast.Lambda | ast.GeneratorExp) for part in ast.walk(node))
            if _is_pure(node) and not late and not any(_changes(each, names) for each in body):
                return None
        case ast.comprehension(iter=iterated) if iterated is node and _is_pure(node):
            return None
    return Difference(f"{what} that is not read at once")


def _is_pure(node: ast.AST) -> bool:
    """Return whether it makes no difference when the iterator's items are computed, and how many."""
    for part in ast.walk(node):
        match part:
            case ast.Call(func=ast.Name(id="map" | "filter"), args=[function, *_]):
                if not isinstance(function, ast.Lambda | ast.Constant) and _name(function) not in _PURE:
                    return False
            case ast.Lambda() | ast.GeneratorExp() | ast.ListComp():
                inner = [each for each in ast.walk(part) if isinstance(each, ast.Call | ast.NamedExpr)]
                if any(not isinstance(each, ast.Call) or _name(each.func) not in _PURE | _LAZY for each in inner):
                    return False
    return True


def _name(function: ast.AST) -> str | None:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None


def _changes(statement: ast.AST, names: set[str]) -> bool:
    """Return whether a loop's body may change what the loop reads."""
    for part in ast.walk(statement):
        match part:
            case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()) if _root(value) in names:
                return True
            case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in _CHANGING_METHODS:
                if _root(value) in names:
                    return True
            case ast.Call(func=ast.Name(id=name), args=arguments) if name not in _PURE:
                given = (each for argument in arguments for each in ast.walk(argument))
                if any(isinstance(each, ast.Name) and each.id in names for each in given):
                    return True
    return False


def _root(node: ast.AST) -> str | None:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
