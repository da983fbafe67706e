"""The base of a local model: a file of weights by the name of the catalogue or by its path."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reasoning.errors import UsageError, WeightsError
from reasoning.providers.client import LoadProgress
from reasoning.providers.llama_cpp import download, weights


@dataclass(frozen=True)
class Base:
    """A file of weights.

    Attributes:
        name: the name of the folder of its adapters: a name of the catalogue, or the name of a file with a quick hash.
        model: the name that goes into requests and the journal.
        sha256: the hash of the file, if the catalogue states it; otherwise empty, since a hash takes seconds.
        find: returns the file, and may download it first.
    """

    name: str
    model: str
    sha256: str
    find: Callable[[LoadProgress | None], Path]


def find_base(model: str) -> Base:
    """Return the base of `local`, `local:NAME` or `local:PATH.gguf`; another scheme, such as `torch`, is read alike.

    Args:
        model: the model's name without adapters.

    Raises:
        UnknownName: the catalogue has no such name.
        WeightsError: there is no such file, or it is not a GGUF file.
    """
    scheme, colon, name = model.partition(":")
    name = name.strip()
    if colon and not name:
        raise UsageError(f"the model {model!r} is incomplete; write {scheme}, {scheme}:NAME or {scheme}:FILE.gguf")
    name = name or weights.DEFAULT
    if name.lower().endswith(".gguf") or "/" in name or "\\" in name:
        path = Path(name).expanduser()
        named = f"{path.name}@{quick_hash(path)}"
        return Base(named, f"{scheme}:{named}", "", lambda _: path)
    entry = weights.entry(name)
    model = f"{scheme}:{entry.model.partition(':')[2]}"
    return Base(entry.name, model, entry.sha256, lambda progress: download.ensure(entry.name, progress))


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def quick_hash(path: Path) -> str:
    """Return twelve hexadecimal digits of a quick hash: of the size, the first and last MiB."""
    try:
        with path.open("rb") as file:
            start = file.read(1 << 20)
            size = file.seek(0, 2)
            file.seek(max(0, size - (1 << 20)))
            end = file.read()
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file; `reasoning models list` shows the names for local:NAME") from None
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    if not start.startswith(b"GGUF"):
        raise WeightsError(f"{path} is not a GGUF file: convert the model to GGUF first")
    return hashlib.sha256(str(size).encode() + start + end).hexdigest()[:12]
