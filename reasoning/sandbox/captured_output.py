"""What a program prints, of bounded size."""

from __future__ import annotations

_END = 1000  # characters of a long output's end that are kept: the last line may be the result


class CapturedOutput:
    """Collects printed text; when it is longer than `limit` characters, its middle is left out.

    Args:
        limit: characters to keep.
    """

    def __init__(self, limit: int) -> None:
        self._room = limit
        self._start: list[str] = []
        self._end = ""
        self._lost = 0

    def __call__(self, stream: str, text: str) -> None:
        """Take the next part. What goes to standard error is not output."""
        if stream != "stdout":
            return
        kept = text[: self._room]
        if kept:
            self._start.append(kept)
            self._room -= len(kept)
        rest = self._end + text[len(kept) :]
        self._end = rest[-_END:]
        self._lost += len(rest) - len(self._end)

    def skip(self, characters: int) -> None:
        """Take note that so many of them were left out already."""
        self._lost += characters

    @property
    def text(self) -> str:
        """What was printed."""
        gap = f"\n[{self._lost} characters left out]\n" if self._lost else ""
        return "".join(self._start) + gap + self._end

    def last_line(self) -> str | None:
        """The last line with something on it, or None."""
        text = self.text if len(self._end) < _END else self._end
        return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), None)
