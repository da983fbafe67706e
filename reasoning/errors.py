"""Everything that can go wrong, as a tree; each message says what to do next.

ReasoningError
├── UsageError               the request itself is wrong (exit code 2)
│   ├── UnknownName          a strategy, parameter, model, task or kind that does not exist; names the nearest one
│   ├── SpecError            a strategy spec that cannot be read; shows where
│   ├── InputError           a file or a record of it is wrong; names file and line
│   ├── MissingExtra         an optional dependency is not installed; gives the install line
│   └── SettingsChanged      a results folder was made with other settings; says which
├── WeightsError             local weights are missing, damaged or cannot be fetched (exit code 2)
├── JournalError             the record of draws cannot be read or written (exit code 2)
├── CallFailed               a model call did not come through for good (exit code 4)
│   ├── AuthenticationFailed no key, or a refused one; ends the run
│   ├── EndpointDown         nothing has come through for a long time; ends the run
│   └── ContextOverflow      the prompt is longer than the model's context
└── BudgetExhausted          the next call could pass the budget, so it was not sent (exit code 3)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ReasoningError(Exception):
    """The root of this library's errors. `exit_code` is what the command line ends with."""

    exit_code = 2


class UsageError(ReasoningError):
    """What was asked for makes no sense as it stands."""


class UnknownName(UsageError):
    """A name that is not known.

    Args:
        what: what the name should have been, such as "strategy".
        name: the unknown name.
        known: the names that exist; the nearest is suggested.
        where: where the name stands, such as "in 'cot(samples=5)' at column 5".
    """

    def __init__(self, what: str, name: str, known: Iterable[str], where: str = "") -> None:
        self.what, self.name, self.known = what, name, sorted(known)
        self.nearest = nearest(name, self.known)
        message = f"unknown {what} {name!r}" + (f" {where}" if where else "")
        if self.nearest:
            message += f"; did you mean {self.nearest!r}?"
        elif self.known:
            shown = ", ".join(self.known[:12]) + (", …" if len(self.known) > 12 else "")
            message += f"; known: {shown}"
        super().__init__(message)


class SpecError(UsageError):
    """A strategy spec that cannot be read, with the place marked."""

    def __init__(self, problem: str, spec: str, column: int) -> None:
        self.spec, self.column = spec, column
        super().__init__(f"{problem}\n    {spec}\n    {' ' * column}^")


class InputError(UsageError):
    """A file, or a record in it, that cannot be used; the message starts with `file:line:`."""


class MissingExtra(UsageError):
    """An optional dependency is not installed."""

    def __init__(self, purpose: str, extra: str, module: str) -> None:
        super().__init__(f"{purpose} needs {module}; install it with: pip install 'reasoning-strategies[{extra}]'")


class SettingsChanged(UsageError):
    """A results folder was made with other settings than those asked for now."""


class PriceUnknown(UsageError):
    """A budget in dollars for a model whose price is not known: stops the whole run, whatever came from the journal."""

    ends_run = True


class WeightsError(ReasoningError):
    """Local weights are missing, damaged, or cannot be fetched."""


class JournalError(ReasoningError):
    """The journal cannot be read or written."""


class CallFailed(ReasoningError):
    """A call to a model did not come through. Never a wrong answer, never a record in the journal.

    Args:
        message: the provider's words.
        retryable: whether the same call may pass later (rate limits, server faults, resets).
        retry_after: seconds the provider asks to wait, if it said so.
        status: the HTTP status; None where no answer came (a connection that broke, a timeout).

    Attributes:
        ends_run: whether no other call can come through either.
    """

    exit_code = 4
    ends_run = False

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
    ) -> None:
        self.retryable, self.retry_after, self.status = retryable, retry_after, status
        super().__init__(message)


class AuthenticationFailed(CallFailed):
    """No key, or a key that the provider refuses: stops the whole run."""

    exit_code = 2
    ends_run = True


class EndpointDown(CallFailed):
    """Every call has failed for a long time: stops the whole run. The same command goes on when it is back."""

    ends_run = True


class ContextOverflow(CallFailed):
    """The prompt is longer than the model's context."""


class BudgetExhausted(ReasoningError):
    """The next call could pass the budget, so it was not sent. Nothing that was paid for is lost.

    Args:
        message: what is spent, and what the next call may need.
        budget: the one that is used up; of nested ones the innermost.
    """

    exit_code = 3

    def __init__(self, message: str, budget: object = None) -> None:
        self.budget = budget
        super().__init__(message)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None when nothing is close."""
    found = difflib.get_close_matches(name.lower(), [word.lower() for word in known], n=1, cutoff=0.6)
    return next((word for word in known if found and word.lower() == found[0]), None)
