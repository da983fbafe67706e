"""The folder of an adapter: `adapter.json`, which describes it, and the files of its weights.

The folder has `adapter.json`; `peft/`, the weights in the form of peft; `adapter.gguf`, the same for llama.cpp, if
that can serve it; and `log.jsonl`, the log of the training.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from reasoning.errors import InputError, UsageError
from reasoning.files import atomic_write, parse_json_object
from reasoning.text_safety import dump_json

FORMAT = 1
"""The version of the folder's form."""
RECORD, GGUF, PEFT, MERGED = "adapter.json", "adapter.gguf", "peft", "merged.gguf"
"""The names of the description, the GGUF adapter, the folder of peft, and the merged model in an adapter's folder."""

ACTIVATED = "alora"
"""The method whose adapters llama.cpp applies from the last turn on."""

ServedBy = Literal["llama.cpp", "torch", "merged"]
"""The server of an adapter: llama.cpp with its base, the slower client of PyTorch, or llama.cpp as a merged model."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Adapter:
    """Trained weights that change a base model.

    Attributes:
        name: its name, unique for its base.
        base: the name of its base: that of the catalogue, or a file's with its quick hash.
        base_sha256: the hash of the base's GGUF file.
        method: the method of training, such as "lora".
        served_by: what can serve it.
        folder: its folder.
        files: the SHA-256 of each of its files, by the path in the folder.
        settings: the settings of the training.
        examples: what it was trained on: the number and the hash of the examples, their step or strategy, the hash of
            the prompt, the teacher.
        scores: results on held-out examples, by name.
        created: the time of its creation, in ISO 8601.
        versions: the versions of the libraries that trained it.
    """

    name: str
    base: str
    base_sha256: str
    method: str
    served_by: ServedBy
    folder: Path
    files: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""
    versions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """The hash of what changes a reply: the base, the method and the weights. It is in the key of a draw."""
        parts = [self.base_sha256, self.method, *(f"{path} {digest}" for path, digest in sorted(self.files.items()))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def model(self) -> str:
        """The name to use it by, such as `local:smollm2-135m+cat`."""
        scheme = "torch" if self.served_by == "torch" else "local"
        return f"{scheme}:{self.base.partition('@')[0]}+{self.name}"

    @property
    def gguf(self) -> Path:
        """The path of the adapter for llama.cpp."""
        return self.folder / GGUF

    @property
    def peft(self) -> Path:
        """The folder that peft, transformers and vLLM can load."""
        return self.folder / PEFT

    @property
    def merged(self) -> Path:
        """The path of the base merged with the adapter."""
        return self.folder / MERGED

    @property
    def bytes(self) -> int:
        """The size of all files in its folder."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def check_base(self, sha256: str) -> None:
        """Raise UsageError if weights with this hash are not those that the adapter was trained for."""
        if sha256 != self.base_sha256:
            raise UsageError(
                f"the adapter {self.name!r} was trained for weights with the SHA-256 {self.base_sha256[:12]}…, and "
                f"{self.base} has {sha256[:12]}…: train it again for these weights"
            )

    def verify(self) -> None:
        """Read the files of its weights and compare their hashes.

        Raises:
            InputError: a file is missing, cannot be read, or differs.
        """
        for path in self.files:
            self.verify_file(path, self.folder / path)

    def verify_file(self, path: str, file: Path) -> None:
        """Read a file and compare its hash.

        Args:
            path: the name of the file in the adapter's folder.
            file: the file itself, or a copy of it.

        Raises:
            InputError: the file is missing, cannot be read, or differs.
        """
        if (found := _hash_file(file)) != (expected := self.files[path]):
            raise InputError(
                f"the adapter {self.name!r} is damaged: {self.folder / path} must have the SHA-256 "
                f"{expected[:12]}…, got {found[:12] or 'no file'}; {_remedy(self.folder)}"
            )


def check_name(name: str) -> str:
    """Return the name of an adapter, or raise UsageError if it is not valid."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.lower().endswith(".gguf"):
        raise UsageError(
            "the name of an adapter must have at most 64 letters, digits, '_', '-' and '.', begin with a letter or "
            f"digit and not end in .gguf, got {name!r:.80}"
        )
    return name


def describe(
    target: Path,
    name: str,
    base: str,
    base_sha256: str,
    method: str,
    served_by: ServedBy,
    *,
    settings: Mapping[str, Any] | None = None,
    examples: Mapping[str, Any] | None = None,
    scores: Mapping[str, Any] | None = None,
    versions: Mapping[str, Any] | None = None,
) -> None:
    """Write `adapter.json` into the folder that `create` yields; for the arguments see `Adapter`."""
    record = {
        "format": FORMAT,
        "name": name,
        "base": {"model": base, "sha256": base_sha256},
        "method": method,
        "settings": settings or {},
        "examples": examples or {},
        "scores": scores or {},
        "served_by": served_by,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions or {},
    }
    atomic_write(target / RECORD, dump_json(record, indent=2) + "\n")


def complete_record(folder: Path) -> None:
    """Add the hashes of the files to `adapter.json`.

    Raises:
        InputError: there is no such file, or it is not a JSON object.
    """
    record = _load(folder)
    atomic_write(folder / RECORD, dump_json({**record, "files": _hash_files(folder)}, indent=2) + "\n")


def _load(path: Path) -> dict[str, Any]:
    try:
        text = (path / RECORD).read_bytes()
    except OSError as error:
        raise InputError(f"{path / RECORD}: cannot be read: {error.strerror or error}; {_remedy(path)}") from None
    return parse_json_object(text, str(path / RECORD), unique=True)


def read_adapter(path: Path, base: str) -> Adapter:
    """Read the folder of an adapter and check all but the content of its weights.

    Args:
        path: the folder.
        base: the name of the base.

    Raises:
        InputError: the folder is damaged, or of another format.
    """
    record = _load(path)

    def fail(problem: str) -> InputError:
        return InputError(f"{path / RECORD}: {problem}; {_remedy(path)}")

    if record.get("format") != FORMAT:
        raise fail(f"'format' must be {FORMAT}, got {record.get('format')!r:.40}")
    stated = record.get("base")
    if not isinstance(stated, dict) or not _HASH.fullmatch(str(stated.get("sha256"))):
        raise fail("'base' must have 'model' and 'sha256', a hash of 64 hexadecimal digits")
    if stated.get("model") != base:
        raise fail(f"'base.model' must be {base!r}, got {stated.get('model')!r:.80}")
    if record.get("name") != path.name:
        raise fail(f"'name' must be the folder's {path.name!r}, got {record.get('name')!r:.80}")
    if not isinstance(record.get("method"), str) or not _NAME.fullmatch(record["method"]):
        raise fail(f"'method' must be the name of a method, got {record.get('method')!r:.40}")
    if record.get("served_by") not in get_args(ServedBy):
        raise fail(f"'served_by' must be one of {', '.join(get_args(ServedBy))}, got {record.get('served_by')!r:.40}")
    for table in ("settings", "examples", "scores", "versions", "files"):
        if not isinstance(record.get(table), dict):
            raise fail(f"{table!r} must be an object")
    for name, digest in record["files"].items():
        if not _is_weights(name) or not _HASH.fullmatch(str(digest)):
            raise fail(f"'files' must name weights in the folder with their hashes, got {name!r:.80}")
        if not (path / name).is_file():
            raise fail(f"{name} is missing")
    needed = {"llama.cpp": GGUF, "merged": MERGED}.get(record["served_by"])
    if not record["files"] or (needed and needed not in record["files"]):
        raise fail(f"'files' must name {needed or 'the weights'}")
    return Adapter(
        name=path.name,
        base=base,
        base_sha256=stated["sha256"],
        method=record["method"],
        served_by=record["served_by"],
        folder=path,
        files=record["files"],
        settings=record["settings"],
        examples=record["examples"],
        scores=record["scores"],
        created=str(record.get("created", "")),
        versions=record["versions"],
    )


def _is_weights(name: str) -> bool:
    """Return whether a file of the folder holds weights, or settings that change what they do."""
    parts = name.split("/")
    return name in (GGUF, MERGED) or (len(parts) == 2 and parts[0] == PEFT and bool(_NAME.fullmatch(parts[1])))


def _hash_files(path: Path) -> dict[str, str]:
    files = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    # The page that peft writes for a hub changes nothing.
    return {name: _hash_file(path / name) for name in files if _is_weights(name) and not name.endswith(".md")}


def _hash_file(path: Path) -> str:
    """Return the SHA-256 of a file; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _remedy(path: Path) -> str:
    return f"train the adapter again, or remove {path}"
