"""What a person sees while a model is fetched, loads and thinks: one line on stderr; none where nobody looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reasoning.display import strip_control

if TYPE_CHECKING:
    from rich.text import Text

    from reasoning.engine.llm import LLM


class _Thinking:
    """What is said while the model is asked, and why nothing comes: looked up anew for each picture."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm

    def __rich__(self) -> Text:
        from rich.text import Text

        retried = f" · {self._llm.retries:,} retried" if self._llm.retries else ""
        held = f" · {self._llm.limits}" if str(self._llm.limits) else ""
        return Text(strip_control(f"{self._llm.name}: thinking{retried}{held}"))


@contextmanager
def loading(llm: LLM) -> Iterator[None]:
    """Show what the model is doing until the block ends."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    thinking = _Thinking(llm)
    with console.status(thinking, refresh_per_second=4) as status:

        def said(done: int, total: int, what: str) -> None:
            share = f" {done / total:.0%} of {total / 1e6:.0f} MB" if total else ""
            status.update(f"{what}{share}" if done < total or not total else thinking)

        llm.client.progress = said
        yield
