"""A program's result, from the text in which it left its process."""

from __future__ import annotations

from reasoning.sandbox import literals
from reasoning.sandbox.execution import Execution, Limits, Plain


def written(text: str, limits: Limits) -> Execution:
    """The result that a text writes out, or why it cannot be one."""
    if len(text) >= limits.output_chars:
        return Execution(error=f"the result is longer than {limits.output_chars} characters")
    try:
        return Execution(literals.read(text))
    except ValueError as error:
        return Execution(error=f"the result is {error}")


def printed(line: str) -> Plain:
    """A number where the line is nothing else, else the line itself: "1,200" is for the kind of answer to read."""
    try:
        value = literals.read(line)
    except ValueError:
        return line
    return value if isinstance(value, bool | int | float) else line
