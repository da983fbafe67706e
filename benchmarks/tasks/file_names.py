"""The names of data files: the form that a suffix stands for, and the nearest file for a name that is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from pathlib import Path

from reasoning.data_files import SAVE_AS_CSV
from reasoning.errors import InputError

_FORMS = {
    **dict.fromkeys((".jsonl", ".ndjson", ".jl"), "jsonl"),
    ".json": "json",
    ".csv": "csv",
    **dict.fromkeys((".tsv", ".tab"), "tsv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    ".toml": "toml",
}
_WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers")
_SHOWN = 5
"""The files of a folder that an error lists."""


def form_of(name: str) -> str | None:
    """Return the form of a task that is the name of a file, such as "csv" for "data/mine.csv".

    Returns:
        None if the text is no file's name: it has no folder and no suffix, and there is no such file.

    Raises:
        InputError: it is a file or a folder that cannot be a task; says what to do.
    """
    if not name:
        return None
    if "://" in name:
        raise InputError(f"{name}: files are not downloaded; download it, and give the file")
    path = Path(name).expanduser()
    suffix = _suffix(path)
    if suffix in _WORKBOOKS:
        raise InputError(f"{name}: workbooks cannot be read; {SAVE_AS_CSV}")
    if suffix in _FORMS and not path.is_dir():
        return _FORMS[suffix]
    if path.is_dir():
        raise InputError(describe_missing(path))
    if path.is_file():
        raise InputError(f"{name}: its name does not say what it holds; write csv:{name} or jsonl:{name}")
    if "/" not in name and "\\" not in name and not suffix:
        return None
    is_repository = name.count("/") == 1 and not name.startswith((".", "/", "~")) and not suffix
    hub = f"; a data set of the Hugging Face hub is written hf:{name}" if is_repository else ""
    raise InputError(describe_missing(path) + hub)


def describe_missing(path: Path) -> str:
    """Return the error for a path that is no file: a folder with its files, or a name with the nearest one."""
    if path.is_dir():
        return f"{path}: a folder, not a file{_list(data_files(path))}"
    folder = path.parent
    if not folder.is_dir():
        return f"{path}: no such file; there is no folder {str(folder)!r}"
    names = data_files(folder)
    similar = similar_file(path.name, names)
    return f"{path}: no such file" + (f"; did you mean {str(folder / similar)!r}?" if similar else _list(names))


def similar_file(name: str, names: Collection[str]) -> str | None:
    """Return the file whose name is most similar without its suffix; None if none is similar."""
    stem = _stem(name)
    close = difflib.get_close_matches(stem, {_stem(one) for one in names}, n=3, cutoff=0.7)
    candidates = [one for one in names if _stem(one) in close]

    def likeness(one: str) -> tuple[bool, float]:
        matcher = difflib.SequenceMatcher(a=one.lower(), b=name.lower())
        return _stem(one) == stem, matcher.ratio()

    return max(candidates, key=likeness, default=None)


def suffix_form(path: Path) -> str | None:
    """Return the form that a file's suffix stands for."""
    return _FORMS.get(_suffix(path))


def data_files(folder: Path) -> list[str]:
    """Return the names of the data files in a folder, sorted; none if it cannot be read."""
    try:
        return sorted(one.name for one in folder.iterdir() if _suffix(one) in _FORMS and one.is_file())
    except OSError:
        return []


def _stem(name: str) -> str:
    return name.partition(".")[0].casefold()


def _suffix(path: Path) -> str:
    """Return the suffix of a file's name, in lower case and without that of gzip."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _list(names: Iterable[str]) -> str:
    names = list(names)
    more = ", …" if len(names) > _SHOWN else ""
    return f"; the data files there are {', '.join(names[:_SHOWN])}{more}" if names else ""
