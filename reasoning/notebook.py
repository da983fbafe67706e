"""Outputs of a notebook's cell that are updated in place, and the end of a cell that was interrupted."""

from __future__ import annotations

import contextvars
import re
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

DELAY = 0.5
"""Seconds after which the output of a job appears: a job that takes its replies from the journal shows nothing."""
_INTERVAL = 0.5
"""Seconds between two updates: a local model needs every core."""

_TAG = re.compile(r"<[^>]*>")

KEPT = "every completed call is recorded, so run the cell again to continue: none of them is repeated"
"""A sentence about an interrupted cell."""


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def running_cell() -> int | None:
    """Return the number of the notebook's running cell; None outside of a notebook."""
    return int(sys.modules["IPython"].get_ipython().execution_count) if in_notebook() else None


class Interrupted(KeyboardInterrupt):
    """The stop button of a notebook. The cell ends with one line in place of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: {self}"]


@contextmanager
def interruptible(describe: Callable[[], str] = lambda: f"stopped; {KEPT}") -> Iterator[None]:
    """Let a KeyboardInterrupt in a notebook end the cell with a line that says what is kept.

    Args:
        describe: returns that line.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        if not in_notebook() or isinstance(error, Interrupted):
            raise
        raise Interrupted(describe()) from None


class LiveOutput:
    """An output below the cell that is drawn anew every half second, as a context manager.

    Args:
        render: returns the output as HTML; called from another thread.
        delay: seconds until it appears.
    """

    def __init__(self, render: Callable[[], str], delay: float = DELAY) -> None:
        self._render, self._delay = render, delay
        self._ended = threading.Event()
        self._id = self._shown = ""
        # The kernel finds the cell of an output in the context.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="reasoning-notebook", daemon=True)

    def __enter__(self) -> LiveOutput:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end("")

    def end(self, html: str, plain: str = "") -> None:
        """Draw the output a last time; later calls do nothing. An empty text removes it.

        Args:
            html: the output.
            plain: what is shown where HTML is not drawn; by default the HTML without its tags.
        """
        if self._ended.is_set():
            return
        self._ended.set()
        self._thread.join(2)
        if html or self._id:
            self._draw(html, plain)

    def _run(self) -> None:
        wait = self._delay
        while not self._ended.wait(wait):
            wait = _INTERVAL
            self._draw(self._render())

    def _draw(self, html: str, plain: str = "") -> None:
        from IPython.display import display

        if html == self._shown and self._id:
            return
        is_update, self._shown = bool(self._id), html
        self._id = self._id or uuid.uuid4().hex
        # Without a plain text the output would be the name of a class where HTML is not drawn.
        plain = plain or " ".join(_TAG.sub(" ", html).split())
        display({"text/html": html, "text/plain": plain}, raw=True, display_id=self._id, update=is_update)
