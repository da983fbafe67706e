"""Errors of the functions that a chain's author gives to steps, with the place in their code."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reasoning.answer import Failed
from reasoning.errors import BudgetExhausted, ReasoningError

_PACKAGE = Path(__file__).parents[1]


class StepError(Exception):
    """An error of a user's function or an inner chain, which ends only this step.

    Args:
        failed: the failed answer of the inner chain, or the message of the error.
    """

    def __init__(self, failed: Failed | str) -> None:
        self.failed = Failed(failed) if isinstance(failed, str) else failed
        super().__init__(self.failed.error)


@contextmanager
def user_code(what: str = "") -> Iterator[None]:
    """Raise an exception of a user's function as `StepError`, unless it ends the whole run.

    Args:
        what: the function, where the name of the step does not say it.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, BudgetExhausted) or getattr(error, "ends_run", False):
            raise
        if isinstance(error, ReasoningError):
            raise StepError(str(error)) from error
        before = f"{what} raised " if what else ""
        raise StepError(f"{before}{type(error).__name__}: {error}{_location(error)}") from error


def _location(error: Exception) -> str:
    """Return the place in the user's code that raised an exception; "" if it is not known."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not Path(frame.filename).is_relative_to(_PACKAGE)]
    # A plain function runs in a thread, whose frames are Python's.
    own = [frame for frame in own if Path(frame.filename).parent.name not in ("asyncio", "futures")]
    return f" ({Path(own[0].filename).name}, line {own[0].lineno})" if own else ""
