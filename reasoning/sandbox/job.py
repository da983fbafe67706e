"""One program to run, with all that goes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reasoning.sandbox.cancellation import CancelToken
from reasoning.sandbox.execution import PlainData, ResourceLimits, ResultSource
from reasoning.sandbox.host_functions import HostFunctions


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
    inputs: Mapping[str, PlainData]
    sources: Sequence[str | ResultSource]
    limits: ResourceLimits
    host_functions: HostFunctions
    cancel_token: CancelToken = field(default_factory=CancelToken)
