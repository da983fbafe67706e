"""The progress of solves in a notebook: a bar, and what the model is doing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reasoning.notebook import LiveOutput, in_notebook, interruptible
from reasoning.retrieval.progress import show_progress

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM


@contextmanager
def notebook_progress(
    llm: LLM, total: int = 0, describe: Callable[[], str] = lambda: ""
) -> Iterator[Callable[[], None]]:
    """Show the progress of a synchronous call in a notebook, and let the stop button end it in order.

    Elsewhere nothing is shown, and Ctrl-C is the usual KeyboardInterrupt.

    Args:
        llm: the model that is called.
        total: the number of items; 0 for one problem, which has no bar.
        describe: returns what the call has reached so far, such as the score of a round.

    Yields:
        A function to call after each item.
    """
    if not in_notebook():
        yield lambda: None
        return
    from reasoning.tables import escape_html

    done = 0
    activity = _Activity(llm)

    def render() -> str:
        bar = f'<progress value="{done}" max="{total}"></progress> {done}/{total} · ' if total else ""
        reached = f"{escape_html(text)} · " if (text := describe()) else ""
        return f"<div>{bar}{reached}{escape_html(str(activity))}</div>"

    def on_item() -> None:
        nonlocal done
        done += 1

    before, llm.client.progress = llm.client.progress, activity.on_loading
    try:
        with interruptible(), LiveOutput(render), show_progress(activity.on_loading):
            yield on_item
    finally:
        llm.client.progress = before


class _Activity:
    """The activity of a model: loading, answering, or waiting for a limit."""

    def __init__(self, llm: LLM) -> None:
        self._llm, self._calls, self._started = llm, llm.usage.calls, time.monotonic()
        self._loading = ""

    def on_loading(self, done: int, total: int, text: str) -> None:
        share = f" · {done / 1e6:,.0f} of {total / 1e6:,.0f} MB" if total > 1e6 else ""
        self._loading = "" if total and done >= total else f"{text}{share}"

    def __str__(self) -> str:
        from reasoning.tables import pluralize

        if self._loading:
            return self._loading
        calls = pluralize(self._llm.usage.calls - self._calls, "call")
        parts = (
            self._llm.name,
            calls,
            f"{self._llm.in_flight} in flight",
            f"{time.monotonic() - self._started:.0f} s",
            str(self._llm.limits),
            self._llm.client.describe_waiting(),
        )
        return " · ".join(filter(None, parts))
