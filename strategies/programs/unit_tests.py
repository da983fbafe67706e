"""Unit tests of generated code, run in the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reasoning.sandbox.execution import ExecutionResult
from reasoning.sandbox.interpreter import Interpreter

_PASSED = "every_test_has_passed"


async def first_failure(code: str, tests: str, interpreter: Interpreter) -> str | None:
    """Return the first error of a Python program and its tests, or None if it passes.

    Args:
        code: the program, untrusted.
        tests: Python that raises if the code is wrong: `assert` lines, or a function with them and
            a call of it.
        interpreter: runs both.
    """
    return _error(await interpreter.arun(_with_tests(code, tests), result=_PASSED))


def unit_test_scorer(tests: str, interpreter: Interpreter) -> Callable[[Any], bool]:
    """Return a scorer for examples for which any code that passes is right.

    Use it as the scorer of an example: `Example(problem, "…", unit_test_scorer(tests,
    interpreter))`.
    """

    def score(code: Any) -> bool:
        return _error(interpreter.run(_with_tests(str(code), tests), result=_PASSED)) is None

    return score


def _with_tests(code: str, tests: str) -> str:
    # The last line proves that the program did not end before its tests.
    return f"{code}\n{tests}\n{_PASSED} = True\n"


def _error(result: ExecutionResult) -> str | None:
    return None if result.value is True else result.error or "it ends before its tests"
