"""The frame of a picture as SVG: white paper, a font, and a title for screen readers."""

from __future__ import annotations

from collections.abc import Iterable

from reasoning.pages.palette import ON_WHITE
from reasoning.tables import escape_html

WIDTH = 720
"""The width of a picture in pixels."""


def frame_picture(parts: Iterable[str], height: int, title: str) -> str:
    """Return elements as a picture.

    Args:
        parts: the elements.
        height: the height in pixels.
        title: what screen readers say.
    """
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" role="img" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="system-ui,sans-serif" font-size="12">'
        f'<title>{escape_html(title)}</title><rect width="{WIDTH}" height="{height}" fill="{ON_WHITE["paper"]}"/>'
        f"{''.join(parts)}</svg>\n"
    )
