"""The user's adapters by name: small trained weights that change a base model.

An adapter is the folder `data_dir()/adapters/BASE/NAME/`; see `reasoning.providers.adapter_folder` for its files.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reasoning import paths
from reasoning.errors import InputError, ReasoningError, UnknownName, UsageError
from reasoning.files import temporary_folder
from reasoning.providers.adapter_folder import ACTIVATED as ACTIVATED
from reasoning.providers.adapter_folder import GGUF as GGUF
from reasoning.providers.adapter_folder import MERGED as MERGED
from reasoning.providers.adapter_folder import PEFT as PEFT
from reasoning.providers.adapter_folder import Adapter as Adapter
from reasoning.providers.adapter_folder import ServedBy as ServedBy
from reasoning.providers.adapter_folder import check_name as check_name
from reasoning.providers.adapter_folder import complete_record, read_adapter
from reasoning.providers.adapter_folder import describe as describe

_FILE_MODEL = re.compile(r"(.*\.gguf)((?:\+[^+/\\]*)*)", re.IGNORECASE | re.DOTALL)
_ABANDONED = 7 * 24 * 3600.0
"""The age in seconds from which a folder that a killed process left behind is removed."""


def folder() -> Path:
    """Return the folder that holds the user's adapters."""
    return paths.data_dir() / "adapters"


def split_model(model: str) -> tuple[str, tuple[str, ...]]:
    """Return a model's name without its adapters, and their names.

    Args:
        model: the name, such as `local:smollm2-135m+cat`, `local:FILE.gguf+cat` or `torch:smollm2-135m+cat+dog`. Other
            models than `local` and `torch`, and names of files without `.gguf`, have no adapters.

    Raises:
        UsageError: the name of an adapter is not valid, or occurs twice.
    """
    scheme, _, rest = model.partition(":")
    if scheme.partition("+")[0] not in ("local", "torch"):
        return model, ()
    if match := _FILE_MODEL.fullmatch(rest):
        base, names = f"{scheme}:{match[1]}", match[2].split("+")[1:]
    elif "/" in rest or "\\" in rest:
        return model, ()
    else:
        base, *names = model.split("+")
    for name in names:
        check_name(name)
    if len(set(names)) < len(names):
        raise UsageError(f"the model {model!r} must name each adapter once")
    return base, tuple(names)


def find(base: str, name: str) -> Adapter:
    """Return an adapter of a base.

    Args:
        base: the base as its folder is named: a name of the catalogue, or the name of a file with its hash.
        name: the name of the adapter.

    Raises:
        UnknownName: the base has no such adapter; suggests the nearest.
        UsageError: the name is not valid, or is that of another base's adapter.
        InputError: its folder is damaged or of another format.
    """
    check_name(name)
    place = _base_folder(base)
    if not (place / name).is_dir():
        if others := [other for other, found in names() if found == name]:
            raise UsageError(
                f"the adapter {name!r} was trained for {', '.join(others)}, not for {base}: "
                f"use local:{others[0].partition('@')[0]}+{name}, or train one for {base}"
            )
        known = [path.name for path in _folders(place)]
        where = f"of {base}" + ("" if known else "; it has none yet: `reasoning tune train` makes one")
        raise UnknownName("adapter", name, known, where)
    return read_adapter(place / name, base)


def all_adapters() -> list[Adapter]:
    """Return the user's adapters, sorted by base and name. Folders that cannot be read are left out.

    `damaged_folders` returns those.
    """
    return [adapter for adapter, _ in _read_all() if isinstance(adapter, Adapter)]


def damaged_folders() -> list[tuple[Path, str]]:
    """Return the folders of adapters that cannot be read, each with the reason."""
    return [(path, str(reason)) for reason, path in _read_all() if not isinstance(reason, Adapter)]


def names(base: str | None = None) -> list[tuple[str, str]]:
    """Return the base and the name of each adapter, without reading it.

    Args:
        base: only those of this base.
    """
    bases = [_base_folder(base)] if base is not None else _folders(folder())
    return [(place.name, path.name) for place in bases for path in _folders(place)]


def remove(adapter: Adapter) -> None:
    """Remove an adapter with all its files.

    Raises:
        InputError: a file cannot be removed.
    """
    # Renamed first, so that nothing loads a part of it.
    with temporary_folder(adapter.folder) as temporary, _explain_errors(adapter.folder):
        adapter.folder.rename(temporary / adapter.name)
        shutil.rmtree(temporary / adapter.name)
    with suppress(OSError):
        adapter.folder.parent.rmdir()  # if it was the last one of its base


@contextmanager
def create(base: str, name: str, *, replace: bool = False) -> Iterator[Path]:
    """Yield an empty folder, which becomes the adapter's folder when the block ends without an error.

    The block writes `adapter.json` (see `describe`) and the weights. The hashes of the files are added to it. After an
    error, or if the process is killed, there is no adapter, and one to be replaced is unchanged.

    Args:
        base: the base as its folder is named.
        name: the name of the adapter.
        replace: whether an adapter of this name is replaced.

    Raises:
        UsageError: the name is not valid, or taken.
        InputError: the folder cannot be written, or lacks something.
    """
    target = _base_folder(base) / check_name(name)
    _check_free(target, replace)
    with _explain_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target.parent)
    with temporary_folder(target) as temporary:
        new, old = temporary / name, temporary / ".replaced"
        with _explain_errors(target):
            new.mkdir()
        yield new
        complete_record(new)
        read_adapter(new, base)
        _check_free(target, replace)
        with _explain_errors(target):
            if target.exists():
                target.rename(old)
            new.rename(target)


def _base_folder(base: str) -> Path:
    if not base or base.startswith(".") or any(character in base for character in "/\\:\0"):
        raise UsageError(f"the base of an adapter must be the name of a model without a path, got {base!r:.80}")
    return folder() / base


def _folders(place: Path) -> list[Path]:
    try:
        return sorted(path for path in place.iterdir() if not path.name.startswith(".") and path.is_dir())
    except OSError:
        return []


def _read_all() -> Iterator[tuple[Adapter | ReasoningError, Path]]:
    for base in _folders(folder()):
        for path in _folders(base):
            try:
                yield read_adapter(path, base.name), path
            except ReasoningError as error:
                yield error, path


def _check_free(target: Path, replace: bool) -> None:
    if target.exists() and not replace:
        raise UsageError(
            f"the adapter {target.name!r} of {target.parent.name} exists: choose another name, or remove it with "
            f"`reasoning tune remove {target.parent.name}+{target.name}`"
        )


def _remove_abandoned(place: Path) -> None:
    """Remove the temporary folders of processes that were killed long ago."""
    for path in place.glob(".*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _explain_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror or error}") from None
