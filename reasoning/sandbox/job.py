"""One program to run, with its inputs, limits and host functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reasoning.sandbox.cancellation import CancelToken
from reasoning.sandbox.execution import PlainData, ResourceLimits, ResultSource
from reasoning.sandbox.host_functions import HostFunctions


@dataclass(frozen=True)
class Job:
    """The input of a tier.

    Attributes:
        code: Python source, untrusted.
        inputs: variables that are set before the program starts.
        sources: the places of its result, tried in order.
        limits: its resource limits, over all tiers.
        seconds_used: execution time that it has used in an earlier tier.
        host_functions: answers the program's calls of host functions.
        cancel_token: cancels it from outside.
    """

    code: str
    inputs: Mapping[str, PlainData]
    sources: Sequence[str | ResultSource]
    limits: ResourceLimits
    host_functions: HostFunctions
    cancel_token: CancelToken = field(default_factory=CancelToken)
    seconds_used: float = 0.0
