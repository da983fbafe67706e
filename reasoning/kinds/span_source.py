"""Places of quoted texts in a source text, whatever their case and spaces."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property

_MARKS = str.maketrans("“”„«»‘’‚`–—−‐‑", '"""""\'\'\'\'-----')
_AROUND = " \t\n\"'“”„«»‘’‚`*_.,;:…"
Place = tuple[int, int]
"""Start and end of a text in its source, in characters."""


class SourceText:
    """A text in which other texts are found.

    Case and spaces may differ, and so may the form of quotation marks and dashes. A found text begins
    and ends at the end of a word: "art" is not in "started".
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._found: dict[str, list[Place]] = {}

    def find(self, quoted: str) -> list[Place]:
        """Return the places of a text, in order; without its quotation marks or full stop if it has none with them."""
        return self._find(fold(quoted)) or self._find(fold(quoted.strip(_AROUND)))

    def places_in_copy(self, copy: str, places: list[Place]) -> list[Place | None] | None:
        """Return the places in the source of places in a text that contains a copy of it; None without a copy.

        The last copy counts. A place outside of it is None.
        """
        folded, indexes = _fold(copy)
        at = folded.rfind(self._folded[0]) if self._folded[0] else -1
        if at < 0:
            return None
        own, size = self._folded[1], len(self._folded[0])
        moved: list[Place | None] = []
        for start, end in places:
            first, last = bisect_left(indexes, start) - at, bisect_left(indexes, end) - at
            moved.append((own[first], own[last - 1] + 1) if 0 <= first < last <= size else None)
        return moved

    @cached_property
    def _folded(self) -> tuple[str, list[int]]:
        return _fold(self.text)

    def _find(self, folded: str) -> list[Place]:
        if folded not in self._found:
            self._found[folded] = list(self._search(folded))
        return self._found[folded]

    def _search(self, folded: str) -> list[Place]:
        text, indexes = self._folded
        places: list[Place] = []
        at = text.find(folded) if any(map(str.isalnum, folded)) else -1
        while at >= 0:
            start, end = indexes[at], indexes[at + len(folded) - 1] + 1
            if self._is_boundary(start) and self._is_boundary(end):
                places.append((start, end))
            at = text.find(folded, at + 1)
        return places

    def _is_boundary(self, at: int) -> bool:
        around = self.text[max(0, at - 1) : at + 1]
        return at in (0, len(self.text)) or not around.isalnum()


def fold(text: str) -> str:
    """Return a text for comparison: without spaces, in one case, with plain quotation marks and dashes."""
    return _fold(text)[0]


def _fold(text: str) -> tuple[str, list[int]]:
    """Return the folded text, and the position of each of its characters in the text."""
    letters: list[str] = []
    indexes: list[int] = []
    for index, letter in enumerate(text.translate(_MARKS)):
        if not letter.isspace():
            # One letter may become two: "ß".
            folded = letter.casefold()
            letters.append(folded)
            indexes.extend([index] * len(folded))
    return "".join(letters), indexes
