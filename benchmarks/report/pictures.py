"""The images of problems for a page: their bytes come from the journal of the results folder."""

from __future__ import annotations

from pathlib import Path

from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.errors import InputError, JournalError
from reasoning.images import Image
from reasoning.journal import Journal
from reasoning.problem import Problem

MAX_BYTES = 8_000_000
"""The bytes of images in one page. Pages with more are slow to open and to send."""


class Pictures:
    """The images of a run's problems, up to a number of bytes for all together.

    Args:
        folder: the results folder; one in memory has the bytes of its images itself.
        room: the number of bytes.
    """

    def __init__(self, folder: ResultsFolder, room: int = MAX_BYTES) -> None:
        self.room = room
        journal = None if folder.folder is None else folder.folder / "journal.sqlite"
        self._path: Path | None = journal if journal is not None and journal.exists() else None
        self._journal: Journal | None = None

    def of(self, problem: Problem) -> list[list[str]]:
        """Return the label of each image, and its data URL if its bytes are known and there is room."""
        return [[str(image), self._address(image)] for image in map(self._with_bytes, map(Image.of, problem.images))]

    def _with_bytes(self, image: Image) -> Image:
        if image.data or not image.sha256 or self._path is None:
            return image
        try:
            self._journal = self._journal or Journal(self._path)
            found = self._journal.images([image.sha256])
            return Image.from_bytes(found[image.sha256], name=image.name) if found else image
        except (JournalError, InputError):
            # A report does without an image that cannot be read.
            return image

    def _address(self, image: Image) -> str:
        # A URL is never fetched, not by a page either.
        if not image.data or len(image.data) > self.room:
            return ""
        self.room -= len(image.data)
        return image.address

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()
