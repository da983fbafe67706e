"""Whether code passes its tests, which run in the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reasoning.sandbox.execution import ExecutionResult
from reasoning.sandbox.interpreter import Interpreter

_PASSED = "every_test_has_passed"


async def first_failure(code: str, tests: str, interpreter: Interpreter) -> str | None:
    """The first error of a Python program and its tests; None where it passes.

    Args:
        code: the program, untrusted.
        tests: Python that fails where the code is wrong: `assert` lines, or a function with them and a call of it.
    """
    return _error(await interpreter.arun(_with(code, tests), result=_PASSED))


def unit_test_scorer(tests: str, interpreter: Interpreter) -> Callable[[Any], bool]:
    """The scorer of an example whose right answers are those that pass: `Example(problem, "…", passing(tests, …))`."""

    def score(code: Any) -> bool:
        return _error(interpreter.run(_with(str(code), tests), result=_PASSED)) is None

    return score


def _with(code: str, tests: str) -> str:
    return f"{code}\n{tests}\n{_PASSED} = True\n"  # a program that ends before its tests has not passed


def _error(ran: ExecutionResult) -> str | None:
    return None if ran.value is True else ran.error or "it ends before its tests"
