"""A clock that jumps: where every task sleeps, it moves to the moment at which the first one wakes."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
_READ_BY = ("rate_limiter", "circuit_breaker", "budget", "draw_queue", "purchaser")


@dataclass
class Clock:
    """What the engine takes for the module `time`."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


def run(scene: Callable[[Clock], Coroutine[Any, Any, T]]) -> T:
    """Run a scene in such time. It fails at once where everybody waits and nothing would ever happen."""
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        for module in _READ_BY:
            patch.setattr(f"reasoning.engine.{module}.time", clock)
        with asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
            return runner.run(scene(clock))


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: Clock) -> None:
        self._now = clock
        super().__init__(_Selector(clock))

    def time(self) -> float:
        return self._now.now


class _Selector(selectors.SelectSelector):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits for somebody else"
            self._clock.now += max(timeout, 0)
        return ready
