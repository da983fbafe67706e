"""Pages of docs/reference/techniques/: the card, the measurements and an example, each updated without the others."""

from __future__ import annotations

from typing import NamedTuple

from technique_pages import example, tables

_MEASURED = "## Measured\n\n<!-- made by scripts/cards --results DIR -->\n\n"
_EXAMPLE = "## Example\n\n<!-- made by scripts/cards --model MODEL -->\n\n"


class Page(NamedTuple):
    """The three parts of a page. Model output comes last, so that it cannot imitate the end of its part."""

    card: str
    measured: str = tables.NONE
    example: str = example.NONE

    @classmethod
    def of(cls, text: str) -> Page:
        """Split the text of a page into its parts."""
        card, _, rest = text.partition(f"\n{_MEASURED}")
        measured, _, example_text = rest.partition(f"\n{_EXAMPLE}")
        return cls(card, measured or tables.NONE, example_text or example.NONE)

    def __str__(self) -> str:
        return f"{self.card}\n{_MEASURED}{self.measured}\n{_EXAMPLE}{self.example}"
