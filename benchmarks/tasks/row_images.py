"""The pictures of a row: paths within a folder, URLs, and bytes as `datasets` and Parquet files have them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reasoning.errors import InputError
from reasoning.images import Image

_URL = re.compile(r"(?:https?:|data:)", re.IGNORECASE)


def read_images(cell: Any, folder: Path | None) -> tuple[Image, ...]:
    """Return the images of a cell.

    Args:
        cell: a path, a URL that is passed on, bytes, an object with `bytes`, a list of these, or nothing.
        folder: the folder that must hold files; None if paths are not allowed.

    Raises:
        InputError: a file is outside of the folder, cannot be read, or is no picture.
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return ()
    if isinstance(cell, list | tuple):
        return tuple(image for one in cell for image in read_images(one, folder))
    if isinstance(cell, Mapping):
        data, name = cell.get("bytes"), cell.get("path")
        if not isinstance(data, bytes):
            raise InputError(
                f"an image must have its bytes, got an object with {', '.join(map(str, cell)) or 'nothing'}"
            )
        return (Image.from_bytes(data, name=Path(name).name if isinstance(name, str) else ""),)
    if isinstance(cell, bytes):
        return (Image.from_bytes(cell),)
    if not isinstance(cell, str):
        raise InputError(f"an image must be a path, a URL or bytes, got {cell!r:.80}")
    if _URL.match(cell.strip()):
        return (Image.of(cell.strip()),)
    if folder is None:
        raise InputError(f"an image must be a URL or bytes here, got the path {cell!r:.80}")
    return (Image.read(folder / cell.strip(), within=folder),)
