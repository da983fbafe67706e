"""The storage of a journal in memory."""

from __future__ import annotations

from collections.abc import Sequence

from reasoning.journal.codec import Record, Row
from reasoning.journal.stored_images import ImageRow


class MemoryStore:
    """The draws of a journal in memory, with the interface of `SqliteStore`."""

    def __init__(self) -> None:
        self._requests: dict[str, tuple[str, str]] = {}
        self._rows: dict[tuple[str, int], Row] = {}
        self._images: dict[bytes, ImageRow] = {}

    def rows(self, key: str, draws: Sequence[int]) -> list[Row]:
        """Return the rows of the recorded draws among these."""
        return [row for draw in draws if (row := self._rows.get((key, draw)))]

    def request(self, key: str) -> tuple[str, str] | None:
        """Return the model and the canonical JSON of a recorded request; None if unknown."""
        return self._requests.get(key)

    def images(self, keys: Sequence[bytes]) -> list[ImageRow]:
        """Return the recorded images with these hashes."""
        return [self._images[key] for key in keys if key in self._images]

    def count(self) -> int:
        """Return the number of recorded draws."""
        return len(self._rows)

    def epochs(self, stride: int) -> set[int]:
        """Return the epochs of all recorded draws, each of `stride` draw indices."""
        return {draw // stride for _, draw in self._rows}

    def put(self, record: Record) -> None:
        """Record draws; a draw that is recorded already stays as it is."""
        key = record.key.hex()
        self._requests.setdefault(key, (record.model, record.request))
        self._images.update((image.sha256, image) for image in record.images)
        for row in record.rows:
            self._rows.setdefault((key, row[0]), row)

    def close(self) -> None:
        """Do nothing; the draws are kept."""
