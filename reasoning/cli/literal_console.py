"""A console of `rich` for text from anywhere; `rich` is imported with this module."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from reasoning.text_safety import strip_control


class LiteralConsole(Console):
    """A console whose output holds no control characters except those of its own colours and cursor moves.

    Text is not parsed as markup or emoji codes, and nothing becomes a link.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"highlight": False, "markup": False, "emoji": False, **settings})

    def render_str(self, text: str, **options: Any) -> Text:
        """Turn a string into text, after replacing its control characters: they would spoil the layout."""
        return super().render_str(strip_control(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render an object into segments, and replace the control characters in their text."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            if control:
                yield segment
                continue
            if style is not None and style.link:
                style = style.update_link(None)
            yield Segment(strip_control(text), style)
