"""The progress of a training or an estimate below the cell of a notebook."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from reasoning.notebook import LiveOutput, in_notebook, interruptible
from reasoning.tables import escape_html
from reasoning.tuning.training.child_runner import Progress

_KEPT = "stopped; a training is kept up to its last checkpoint: run the cell again to continue"


@contextmanager
def notebook_bar(progress: Progress | None = None) -> Iterator[Progress]:
    """Yield a function that receives progress: the given one, or in a notebook one that shows it below the cell.

    Args:
        progress: receives what is done, the total (0 if unknown), and a description.
    """
    if progress is not None or not in_notebook():
        yield progress or (lambda done, total, text: None)
        return
    state: tuple[float, float, str] = (0, 0, "")

    def report(done: float, total: float, text: str) -> None:
        nonlocal state
        state = (done, total, text)

    def render() -> str:
        done, total, text = state
        bar = f'<progress value="{done:.0f}" max="{total:.0f}"></progress> {done:,.0f}/{total:,.0f} · ' if total else ""
        return f"<div>{bar}{escape_html(text)}</div>"

    with warnings.catch_warnings(), interruptible(lambda: _KEPT), LiveOutput(render):
        # Libraries that are imported meanwhile look for the widgets of their own bars, which are not drawn.
        warnings.filterwarnings("ignore", message="IProgress not found")
        yield report
