"""JSON files of bounded size."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

from reasoning.data_files import open_data
from reasoning.errors import InputError
from reasoning.files import MAX_MB, max_bytes, parse_json


def read_json(path: str) -> Any:
    """Return the content of a JSON file, plain or compressed with gzip.

    Raises:
        InputError: the file is unreadable, larger than `max_bytes()`, or not JSON.
    """
    try:
        with open_data(Path(path)) as file:
            data = file.read(max_bytes() + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    if len(data) > max_bytes():
        raise InputError(
            f"{path}: a JSON file must have at most {max_bytes() / 1e6:g} MB; set {MAX_MB} to more megabytes, or give "
            "a form that is read in parts (.eval, .jsonl)"
        )
    return parse_json(data, path)
