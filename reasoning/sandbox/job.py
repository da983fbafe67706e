"""One program to run, with all that goes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reasoning.sandbox.cancellation import Turn
from reasoning.sandbox.execution import Limits, Plain, Source
from reasoning.sandbox.host_functions import Calls


@dataclass(frozen=True)
class Job:
    """What a tier is given.

    Attributes:
        code: Python source, untrusted.
        inputs: variables that are set when it starts.
        sources: where its result is, tried in order.
        limits: what it may use.
        calls: answers the functions that it calls.
        turn: how it is ended from outside.
    """

    code: str
    inputs: Mapping[str, Plain]
    sources: Sequence[str | Source]
    limits: Limits
    calls: Calls
    turn: Turn = field(default_factory=Turn)
