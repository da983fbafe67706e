"""A new chain's folder, from one that there is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from reasoning.chain.chain import Chain
from reasoning.chain.loading import FILE, load
from reasoning.errors import UnknownName, UsageError

_NAME = re.compile(r"[A-Za-z_][\w-]*")
_TITLE = re.compile(r'^name[ \t]*=[ \t]*"[^"\n]*"', re.MULTILINE)
_LEFT = shutil.ignore_patterns("__init__.py", "__pycache__", ".*", "*.pyc")


def shipped() -> dict[str, Path]:
    """The folders of the chains that come with this library, by name."""
    import reasoning

    shelf = Path(str(reasoning.strategies.__file__)).parent / "domain"
    return {path.parent.name: path.parent for path in sorted(shelf.glob(f"*/{FILE}"))}


def source(name: str) -> Path:
    """The folder of a chain: of one that is shipped by its name, else the folder itself.

    Raises:
        UnknownName: it is neither.
    """
    folder = Path(name).expanduser()
    if (folder / FILE).is_file() or folder.is_dir():
        return folder
    if name in (known := shipped()):
        return known[name]
    raise UnknownName("chain", name, known, "(a folder with a chain.toml, or one that is shipped)")


def new(folder: Path, like: str) -> Chain:
    """Copy a chain into a new folder, under its name.

    Raises:
        UsageError: the folder is there already, or its name is none for a chain.
    """
    if not _NAME.fullmatch(folder.name):
        raise UsageError(f"{folder.name!r} is no name for a chain: a word such as 'my_feedback'")
    if folder.exists():
        raise UsageError(f"{folder} is there already; choose another name, or delete it")
    origin = source(like)
    load(origin, "name")
    shutil.copytree(origin, folder, ignore=_LEFT)
    file = folder / FILE
    file.write_text(_TITLE.sub(f'name = "{folder.name}"', file.read_text(encoding="utf-8"), count=1), encoding="utf-8")
    return load(folder, "name")
