"""Monty's errors as one line, and the errors that send a program to another tier."""

from __future__ import annotations

import builtins
import re
from typing import TYPE_CHECKING

from reasoning.sandbox.code_extraction import parse
from reasoning.sandbox.execution import ResourceLimits

if TYPE_CHECKING:
    from pydantic_monty import MontyError

_UNSUPPORTED = re.compile(
    r"ModuleNotFoundError: No module named '(?P<module>.+)'"
    r"|ImportError: cannot import (?P<member>name '.+' from '[^']+')"
    r"|NotImplementedError: .*does not yet support (?P<syntax>.+)"
    r"|NotImplementedError: (?P<wildcard>Wildcard imports).*"
    r"|RuntimeError: '(?P<host>.+)' is not supported in this environment"
    r"|RuntimeError: (?P<internal>Internal error in monty.*)"
    r"|NameError: name '(?P<builtin>.+)' is not defined"
    r"|AttributeError: module '(?P<part>(?!os').+' has no attribute '.+)'"
    r"|AttributeError: '(?P<type>\w+)' object has no attribute '(?P<method>(?!__)\w+)'"
    r"|AttributeError: type object '(?P<builtin_type>\w+)' has no attribute '(?P<function>(?!__)\w+)'"
    r"|\w+: (?P<later>.+ (?:is not yet supported in|does not yet support) .+)"
    r"|NotImplementedError: (?P<call>external function .+ cannot suspend in this synchronous context)"
    r"|TypeError: cannot create '(?P<made>property|super)' instances"
)
_FIRST_TEXT = "<python-input-0>"
NOT_SET = "NameError: the program does not set"


# Errors that Python would raise, too, or that a limit or a lock of the sandbox has raised.
_OWN_FAULT = re.compile(
    r"timed out after|PermissionError: |ZeroDivisionError: |AttributeError: .* has no attribute '__\w+__'"
    r"|NameError: (?:name '.+' is not defined|the program does not set)|TypeError: more than \d+ calls of functions"
)


class UnsupportedByMonty(Exception):
    """The program needs something that Monty does not have. The message names it.

    Attributes:
        seconds: wall-clock time until Monty noticed.
    """

    seconds: float = 0.0


class SandboxUnavailable(Exception):
    """This machine cannot run programs as safely as required. The message says what is missing."""


def is_missing(place: str, error: MontyError, text: str) -> bool:
    """Return whether the only error is that the place, on the last line of `text`, is missing."""
    from pydantic_monty import MontyRuntimeError

    name = place.removesuffix("()")
    return (
        isinstance(error, MontyRuntimeError)
        and str(error) == f"NameError: name '{name}' is not defined"
        and [frame.line for frame in error.traceback()] == [text.count("\n") + 1]
    )


def describe_monty_error(error: MontyError, code: str, limits: ResourceLimits, *, skip_first: bool = False) -> str:
    """Describe an error in one line for a model or a person.

    Args:
        error: the error.
        code: the program.
        limits: its limits.
        skip_first: whether the first text of the session was ours, so that its lines are not the
            program's.

    Raises:
        UnsupportedByMonty: the program is not to blame, because Python has what it uses and Monty
            does not.
    """
    from pydantic_monty import MontyCrashedError, MontyRuntimeError, MontySyntaxError

    if isinstance(error, MontyCrashedError):
        return f"timed out after {limits.seconds:g} s" if error.timed_out else "the program crashed its process"
    if not isinstance(error, MontyRuntimeError | MontySyntaxError):
        return _one_line(str(error))
    text = error.display("type-msg")
    if text.startswith("TimeoutError: ") and "time limit exceeded" in text:
        return f"timed out after {limits.seconds:g} s"
    if (match := _UNSUPPORTED.match(text)) and _exists_in_python(match):
        prefix = {"module": "import of ", "member": "import of ", "builtin": "the built-in "}.get(
            match.lastgroup or "", ""
        )
        raise UnsupportedByMonty(prefix + match[match.lastgroup or 0])
    lines = [frame.line for frame in error.traceback() if not (skip_first and frame.filename == _FIRST_TEXT)]
    line = next((line for line in reversed(lines) if line <= code.count("\n") + 1), None)
    if line is None and isinstance(error, MontySyntaxError):
        return "SyntaxError: the program ends in the middle of a statement"
    return describe_error(text, line, limits)


def describe_error(text: str, line: int | None, limits: ResourceLimits) -> str:
    """Describe an error in one line, from its type with its message, and the line number."""
    if text.startswith("MemoryError"):
        return f"out of memory: it needs more than {limits.memory_mb} MB"
    if text.startswith("RecursionError"):
        return f"RecursionError: more than {limits.recursion} calls deep"
    if line is None and "integer string conversion" in text:
        return "the result has more than 4300 digits"
    return _one_line(text) + (f" (line {line})" if line else "")


def may_be_montys(error: str | None, code: str) -> bool:
    """Return whether an error may be Monty's fault rather than the program's."""
    if error is None or _OWN_FAULT.match(error):
        return False
    return not error.startswith("SyntaxError: ") or parse(code) is not None


def same_error(first: str | None, second: str | None) -> bool:
    """Return whether Python's error is that of Monty, or says nothing else about the program.

    Python's words may be others, and it may run out of what Monty has left of the limits.
    """
    if first is None or second is None:
        return first is second
    limits = ("timed out after", "out of memory", "the program crashed", "the program tampered")
    return second.startswith(limits) or _kind(first) == _kind(second)


def _kind(error: str) -> str:
    """Return the type of an error with its line, or what is said of a value."""
    if given := re.search(r"what \w+ is given is (?:not plain data|longer than)", error):
        return given[0]
    line = re.search(r" \(line \d+\)$", error)
    return error.partition(":")[0] + (line[0] if line else "") if ": " in error else error


def _exists_in_python(unsupported: re.Match[str]) -> bool:
    """Return whether Python itself has the name that Monty does not know."""
    match unsupported.lastgroup:
        case "builtin":
            return hasattr(builtins, unsupported["builtin"])
        case "method":
            return hasattr(getattr(builtins, unsupported["type"], None), unsupported["method"])
        case "function":
            return hasattr(getattr(builtins, unsupported["builtin_type"], None), unsupported["function"])
    return True


def _one_line(text: str) -> str:
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text[:1000]).split())
    return text if len(text) <= 200 else text[:199] + "…"
