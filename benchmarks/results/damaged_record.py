"""Errors of damaged records, with their place."""

from __future__ import annotations

from pathlib import Path

from reasoning.errors import InputError, UsageError


class name_damage:
    """A context that turns the error of a damaged record into an `InputError` with its line."""

    def __init__(self, path: Path, number: int) -> None:
        self.path, self.number = path, number

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, KeyError | TypeError | ValueError | AttributeError | UsageError):
            raise InputError(f"{self.path}:{self.number}: damaged record: {describe_fault(error)}") from None


def describe_fault(error: BaseException) -> str:
    """Return a description of what is wrong."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
