"""The folders of this library on the user's machine: weights, the journal, settings."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return the folder of downloaded weights and of the indexes of texts.

    It is `$REASONING_HOME`, else `$XDG_CACHE_HOME/reasoning`, else `~/.cache/reasoning`.
    """
    return _folder("XDG_CACHE_HOME", ".cache")


def data_dir() -> Path:
    """Return the folder of the user's journal.

    It is `$REASONING_HOME`, else `$XDG_DATA_HOME/reasoning`, else `~/.local/share/reasoning`.
    """
    return _folder("XDG_DATA_HOME", ".local/share")


def config_dir() -> Path:
    """Return the folder of settings.

    It is `$REASONING_HOME`, else `$XDG_CONFIG_HOME/reasoning`, else `~/.config/reasoning`.
    """
    return _folder("XDG_CONFIG_HOME", ".config")


def _folder(variable: str, default: str) -> Path:
    if home := os.environ.get("REASONING_HOME"):
        return Path(home).expanduser()
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / default) / "reasoning"
