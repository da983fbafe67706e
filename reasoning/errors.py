"""The errors of this library; each message says what to do next.

ReasoningError
├── UsageError               the request is wrong (exit code 2)
│   ├── UnknownName          an unknown strategy, parameter, model, task or kind; names the nearest
│   ├── SpecError            a strategy spec that cannot be parsed; marks the position
│   ├── InputError           a file or a record in it is wrong; names file and line
│   ├── MissingExtra         an optional dependency is not installed; gives the install line
│   └── SettingsChanged      a results folder was made with other settings; names them
├── WeightsError             local weights are missing, damaged or cannot be fetched (exit code 2)
├── JournalError             the journal cannot be read or written (exit code 2)
├── CallFailed               a model call failed for good (exit code 4)
│   ├── AuthenticationFailed the key is missing or refused; ends the run
│   ├── QuotaExhausted       the account has no credit left; ends the run
│   ├── ModelNotFound        the server has no such model; ends the run (exit code 2)
│   ├── RequestOutdated      a call was refused, and is now known to need another form; make the request again
│   │   └── SettingRefused   the model refuses a setting, which is left out from then on
│   ├── ReplyPending         a batch is under way, and its replies cannot be fetched now
│   ├── EndpointDown         every call has failed for a long time; ends the run
│   └── PromptRefused        the provider refuses this prompt; other prompts may succeed
│       └── ContextOverflow  the prompt is longer than the model's context
└── BudgetExhausted          the next call could exceed the budget, so it was not sent (exit code 3)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reasoning.secret_scan import mask_secrets
from reasoning.text_safety import strip_control

if TYPE_CHECKING:
    from reasoning.usage import Usage


class ReasoningError(Exception):
    """The root of this library's errors.

    Attributes:
        exit_code: the exit code of the command line.
        ends_run: whether every other call would fail for the same reason.
    """

    exit_code = 2
    ends_run = False

    def __str__(self) -> str:
        # A message may contain a file's name, a server's text or a key, and tracebacks print it.
        return strip_control(mask_secrets(super().__str__()))


class UsageError(ReasoningError):
    """The caller asked for something invalid."""


class UnknownName(UsageError):
    """An unknown name; the message suggests the nearest known one.

    Args:
        what: the kind of name, such as "strategy".
        name: the unknown name.
        known: the names that exist.
        where: the place of the name, such as "in 'cot(samples=5)' at column 5".
    """

    def __init__(self, what: str, name: str, known: Iterable[str], where: str = "") -> None:
        self.what, self.name, self.known, self.where = what, name, sorted(known), where
        self.nearest = nearest(name, self.known) if isinstance(name, str) else None
        message = f"unknown {what} {name!r}" + (f" {where}" if where else "")
        if self.nearest:
            message += f"; did you mean {self.nearest!r}?"
        elif self.known:
            shown = ", ".join(self.known[:12]) + (", …" if len(self.known) > 12 else "")
            message += f"; known: {shown}"
        super().__init__(message)


class SpecError(UsageError):
    """A strategy spec that cannot be parsed; the message marks the position."""

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
    """The settings of a results folder differ from those of this run."""


class PriceUnknown(UsageError):
    """A budget in dollars for a model whose price is unknown.

    Ends the whole run, even if the journal has draws.
    """

    ends_run = True


class WeightsError(ReasoningError):
    """Local weights are missing, damaged, or cannot be fetched."""


class JournalError(ReasoningError):
    """The journal cannot be read or written."""


class CallFailed(ReasoningError):
    """A call to a model failed. It never counts as a wrong answer and never enters the journal.

    Args:
        message: the provider's message.
        retryable: whether the same call may succeed later (rate limits, server errors, resets).
        retry_after: seconds to wait, if the provider states them.
        status: the HTTP status; None if there was no response (a broken connection, a timeout).
        usage: what the provider billed all the same, a `Usage` without calls; None for nothing.
    """

    exit_code = 4

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
        usage: Usage | None = None,
    ) -> None:
        self.retryable, self.retry_after, self.status, self.usage = retryable, retry_after, status, usage
        super().__init__(message)

    @property
    def brief(self) -> str:
        """The error without the provider's words, which may quote a prompt or a reply."""
        kind = "" if type(self) is CallFailed else f"{type(self).__name__}, "
        return kind + (f"status {self.status}" if self.status else "no response")


class AuthenticationFailed(CallFailed):
    """The key is missing, or the provider refuses it. Ends the whole run."""

    exit_code = 2
    ends_run = True


class QuotaExhausted(CallFailed):
    """The account has no credit left. Ends the run; the same command resumes it once there is credit."""

    ends_run = True


class ModelNotFound(CallFailed):
    """The server has no such model, or the address is wrong. Ends the whole run."""

    exit_code = 2
    ends_run = True


class RequestOutdated(CallFailed):
    """The server refused a request, and is now known to need another one: another address, or fewer settings.

    A session makes the request again, with the key of what is sent. If you call `LLM.draw` yourself, make it
    again with `LLM.request`.
    """


class SettingRefused(RequestOutdated):
    """The model refuses a setting of the request, such as `temperature`. Nothing was bought.

    Args:
        setting: the name of the setting as it was sent; "extra_body.NAME" for a further field.
        message: the provider's message.
        status: the HTTP status.
    """

    def __init__(self, setting: str, message: str, status: int | None = None) -> None:
        self.setting = setting
        super().__init__(message, status=status)


class EndpointDown(CallFailed):
    """Every call has failed for a long time. Ends the run; the same command resumes it later."""

    ends_run = True


class ReplyPending(CallFailed):
    """A batch was submitted, and its replies cannot be fetched now. Ends the run; the same command fetches them."""

    ends_run = True


class PromptRefused(CallFailed):
    """The provider refuses this prompt, because of its length or its content. Other prompts may succeed."""


class ContextOverflow(PromptRefused):
    """The prompt is longer than the model's context."""


class ToolError(ReasoningError):
    """A tool cannot do what a model asked for; the message, which the model reads, says what would be valid."""


class BudgetExhausted(ReasoningError):
    """The next call could exceed the budget, so it was not sent. Nothing that was paid for is lost.

    Args:
        message: the amount spent, and the amount that the next call may need.
        budget: the exhausted budget; the innermost of nested ones.
        is_time: whether its seconds have passed, which start again with the next command.
        limit: the name of the limit on usage, such as "calls"; empty for time.
        next_call: what the next call may need of it.
        needed: what the limit must be at least for that call.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        budget: object = None,
        *,
        is_time: bool = False,
        limit: str = "",
        next_call: float = 0,
        needed: float = 0,
    ) -> None:
        self.budget, self.is_time = budget, is_time
        self.limit, self.next_call, self.needed = limit, next_call, needed
        super().__init__(message)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most similar to `name`; None if none is similar."""
    word, by_lower = name.lower(), {one.lower(): one for one in reversed(list(known))}
    matches = difflib.get_close_matches(word, by_lower, n=3, cutoff=0.6)

    def similarity(match: str) -> tuple[float, bool, bool]:
        # Among equally similar words, swapped letters and the same first letter are likelier.
        ratio = difflib.SequenceMatcher(None, match, word).ratio()
        return ratio, sorted(match) == sorted(word), match[:1] == word[:1]

    return by_lower[max(matches, key=similarity)] if matches else None
