"""What a person sees while a model is fetched, loads and thinks: one line on stderr; none where nobody looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reasoning.llm.llm import LLM


@contextmanager
def loading(llm: LLM) -> Iterator[None]:
    """Show what the model is doing until the block ends."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(f"{llm.name}: thinking", refresh_per_second=4) as status:

        def said(done: int, total: int, what: str) -> None:
            share = f" {done / total:.0%} of {total / 1e6:.0f} MB" if total else ""
            status.update(f"{what}{share}" if done < total or not total else f"{llm.name}: thinking")

        if hasattr(llm.client, "progress"):
            llm.client.progress = said
        yield
