"""Syntax trees of untrusted source, one thread at a time."""

from __future__ import annotations

import ast
import os
import threading
import warnings
from typing import Literal

# CPython 3.11 counts the depth of the trees of all threads together, and raises a SystemError if
# another thread begins one in between (once in 2,000 programs side by side). Warning filters belong to
# the process, too, not to a thread.
_lock = threading.Lock()
if hasattr(os, "register_at_fork"):
    # A lock that another thread holds would stay locked in the child.
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def parse_source(source: str, mode: Literal["exec", "eval"] = "exec") -> ast.Module | ast.Expression:
    """Return the syntax tree of source, without warnings.

    Args:
        source: Python source.
        mode: "exec" for a program, "eval" for an expression.

    Raises:
        SyntaxError: it is not valid Python.
        ValueError: it has a null character.
        RecursionError: it is nested too deep.
        MemoryError: it is nested too deep for the parser.
    """
    with _lock:
        try:
            return _parse(source, mode)
        except SystemError:
            # Another thread parses without this lock.
            return _parse(source, mode)


def _parse(source: str, mode: str) -> ast.Module | ast.Expression:
    if "\\" not in source:
        tree = ast.parse(source, mode=mode)
    else:
        # A "\$" in a model's program must not warn our caller.
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(source, mode=mode)
    assert isinstance(tree, ast.Module | ast.Expression)
    return tree
