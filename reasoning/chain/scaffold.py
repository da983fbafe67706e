"""A new chain's folder, from one that there is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from reasoning.chain.chain import Chain
from reasoning.chain.folder import CHAIN_FILE, load
from reasoning.chain.toml_io import read_text
from reasoning.errors import UnknownName, UsageError

_NAME = re.compile(r"[A-Za-z_][\w-]*")
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)
_TITLE = re.compile(r"""^[ \t]*(["']?)name\1[ \t]*=[ \t]*(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*')""", re.MULTILINE)
_LEFT = shutil.ignore_patterns("__init__.py", "__pycache__", ".*", "*.pyc")


def bundled_chains() -> dict[str, Path]:
    """The folders of the chains that come with this library, by name."""
    import reasoning

    shelf = Path(str(reasoning.strategies.__file__)).parent / "domain"
    return {path.parent.name: path.parent for path in sorted(shelf.glob(f"*/{CHAIN_FILE}"))}


def resolve_folder(name: str) -> Path:
    """The folder of a chain: of one that is shipped by its name, else the folder itself.

    Raises:
        UnknownName: it is neither.
    """
    folder = Path(name).expanduser()
    if (folder / CHAIN_FILE).is_file() or folder.is_dir():
        return folder
    if name in (known := bundled_chains()):
        return known[name]
    raise UnknownName("chain", name, known, "(a folder with a chain.toml, or one that is shipped)")


def create_chain(folder: Path, template: str) -> Chain:
    """Copy a chain into a new folder, under its name.

    Raises:
        UsageError: the folder is there already, or its name is none for a chain.
    """
    if not _NAME.fullmatch(folder.name):
        raise UsageError(f"{folder.name!r} is no name for a chain: a word such as 'my_feedback'")
    if folder.exists():
        raise UsageError(f"{folder} is there already; choose another name, or delete it")
    origin = resolve_folder(template)
    load(origin, "none")
    try:
        shutil.copytree(origin, folder, ignore=_LEFT)
        file = folder / CHAIN_FILE
        file.write_text(_named(read_text(file), folder.name), encoding="utf-8")
        return load(folder, "none")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _named(text: str, name: str) -> str:
    """A chain's TOML under another name, which stands before the first table."""
    table = _TABLE.search(text)
    head, rest = (text[: table.start()], text[table.start() :]) if table else (text, "")
    said = f'name = "{name}"'
    head = _TITLE.sub(said, head, count=1) if _TITLE.search(head) else f"{said}\n{head}"
    return head + rest
