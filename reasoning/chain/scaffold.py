"""New chains from templates, and the folders of bundled chains by name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from reasoning.chain.chain import Chain
from reasoning.chain.folder import CHAIN_FILE, chain_file, find_bundled, load
from reasoning.errors import UnknownName, UsageError
from reasoning.registry import bundled_chains
from reasoning.toml_io import read_text

_NAME = re.compile(r"[A-Za-z_][\w-]*")
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)
_NAME_KEY = re.compile(r"""^[ \t]*(["']?)name\1[ \t]*=[ \t]*(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*')""", re.MULTILINE)
_NOT_COPIED = shutil.ignore_patterns("__init__.py", "__pycache__", ".*", "*.pyc")


def resolve_folder(name: str) -> Path:
    """Return the folder of a chain.

    Args:
        name: a folder, or the name of a bundled chain; a folder comes first. With the name of a file behind it, such
            as "telecom_feedback/batch.toml", the chain of this file.

    Raises:
        UnknownName: the name is neither a folder nor a bundled chain.
    """
    folder = Path(name).expanduser()
    if chain_file(folder).is_file() or folder.is_dir():
        return folder
    if (bundled := find_bundled(Path(name))) is not None:
        return bundled
    raise UnknownName("chain", name, bundled_chains(), "(a folder with a chain.toml, or the name of a bundled chain)")


def create_chain(folder: Path, template: str) -> Chain:
    """Copy a chain into a new folder and give it the folder's name.

    Args:
        folder: the new folder; its last part is the chain's name.
        template: the chain to copy: a folder, or the name of a bundled chain.

    Raises:
        UsageError: the folder exists, its name is not valid for a chain, or the template is invalid.
    """
    if not _NAME.fullmatch(folder.name):
        raise UsageError(f"a chain's name must be a word such as 'my_feedback', got {folder.name!r}")
    if folder.exists():
        raise UsageError(f"{folder} already exists; choose another name, or delete it")
    origin = resolve_folder(template)
    load(origin, "none")
    try:
        shutil.copytree(origin, folder, ignore=_NOT_COPIED)
        file = folder / CHAIN_FILE
        file.write_text(_rename(read_text(file), folder.name), encoding="utf-8")
        return load(folder, "none")
    except (OSError, shutil.Error) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise UsageError(f"{folder}: cannot be created: {getattr(error, 'strerror', None) or error}") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _rename(text: str, name: str) -> str:
    """Replace the chain's name in a TOML text; it stands above the first table."""
    table = _TABLE.search(text)
    head, rest = (text[: table.start()], text[table.start() :]) if table else (text, "")
    line = f'name = "{name}"'
    head = _NAME_KEY.sub(line, head, count=1) if _NAME_KEY.search(head) else f"{line}\n{head}"
    return head + rest
