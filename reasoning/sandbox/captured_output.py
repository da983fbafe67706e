"""The printed output of a program, bounded in size."""

from __future__ import annotations

# The end of a long output is kept, because the last line may be the result.
_TAIL_CHARS = 1000


class CapturedOutput:
    """Collects printed text and drops the middle of long output.

    Args:
        limit: characters to keep from the start. The last 1000 characters are kept, too.
    """

    def __init__(self, limit: int) -> None:
        self._room = limit
        self._start: list[str] = []
        self._tail = ""
        self._skipped = 0

    def __call__(self, stream: str, text: str) -> None:
        """Add text. Standard error is not output and is ignored."""
        if stream != "stdout":
            return
        kept = text[: self._room]
        if kept:
            self._start.append(kept)
            self._room -= len(kept)
        rest = self._tail + text[len(kept) :]
        self._tail = rest[-_TAIL_CHARS:]
        self._skipped += len(rest) - len(self._tail)

    def skip(self, characters: int) -> None:
        """Count characters that the program's process has already left out."""
        self._skipped += characters

    @property
    def text(self) -> str:
        """The printed text, with a note where characters were left out."""
        gap = f"\n[{self._skipped} characters left out]\n" if self._skipped else ""
        return "".join(self._start) + gap + self._tail

    def last_line(self) -> str | None:
        """Return the last line that is not blank, or None."""
        text = self.text if len(self._tail) < _TAIL_CHARS else self._tail
        return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), None)
