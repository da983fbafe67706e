"""The tables of models: traits and prices by the models' names.

The shipped table is `models.toml` next to this file, which describes its fields. The user's own file of the
same form adds to it; see `users_path`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from reasoning import paths
from reasoning.errors import InputError, UnknownName
from reasoning.providers.model_traits import ModelTraits
from reasoning.toml_io import TomlFile

SHIPPED = Path(__file__).with_name("models.toml")
_BRACKETS = re.compile(r"\[[^\]]+\]")
_PRICES = ("input", "output", "cached_input")


def traits(model: str) -> ModelTraits:
    """Return the traits of a model.

    Args:
        model: its name, with or without a provider: "openai/o3-mini", "o3-mini".

    Raises:
        UsageError: the user's file is missing or invalid.

    Examples:
        >>> traits("openai/o3-mini").apply({"max_tokens": 100, "temperature": 0.5})
        {'max_completion_tokens': 100}
    """
    return _merge(model, users_file())[0]


def origins(model: str) -> Mapping[str, str]:
    """Return the origin of each trait of a model that a table sets, such as `shipped models.toml:14 ["gpt-5*"]`.

    Raises:
        UsageError: the user's file is missing or invalid.
    """
    return _merge(model, users_file())[1]


def users_path() -> Path:
    """Return the path of the user's table, which need not exist.

    It is `$REASONING_MODELS`, else `models.toml` in the settings folder; see `paths.config_dir`.
    """
    named = os.environ.get("REASONING_MODELS")
    return Path(named).expanduser() if named else paths.config_dir() / "models.toml"


def users_file() -> Path | None:
    """Return the path of the user's table if there is one.

    `$REASONING_MODELS` is returned even if it is missing.
    """
    path = users_path()
    return path if os.environ.get("REASONING_MODELS") or path.is_file() else None


def table_for(model: str, *lines: str) -> str:
    """Return the text of a table for the user's file that sets traits of exactly this model.

    Examples:
        >>> print(table_for("Qwen/Qwen3-8B", "n = false"))
        ["Qwen/Qwen3-8B"]
        n = false
    """
    # A pattern has no spaces, and its wildcards stand in brackets. Without a slash it is compared without "ft:".
    plain = model if "/" in model else model.removeprefix("ft:")
    pattern = re.sub(r"\s", "?", re.sub(r"([*?\[])", r"[\1]", plain))
    return "\n".join([f"[{json.dumps(pattern, ensure_ascii=False)}]", *lines])


@lru_cache(maxsize=16)
def fingerprint(path: Path) -> str:
    """Return eight hexadecimal digits of a hash of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def add(model: str, table: Mapping[str, Any], toml: TomlFile, name: str) -> None:
    """Add traits of one model, for this process, to those of the tables.

    Args:
        model: its whole name.
        table: the traits, as in a table of the user's file.
        toml: the file that they are from.
        name: the name of their table in it, for messages.

    Raises:
        InputError: a trait is invalid; names the line.
    """
    _validate(name, table, toml)
    _added[model] = _entry(model, True, table, toml, name)
    _added_files[model] = toml.path
    _merge.cache_clear()


def price_file(model: str) -> Path:
    """Return the file that has the price of a model, if any of the user's has."""
    entry = _added.get(model)
    has_price = entry is not None and "input" in entry.traits
    return _added_files[model] if has_price else users_file() or SHIPPED


class _Entry(NamedTuple):
    pattern: str
    users: bool
    traits: Mapping[str, Any]
    origins: Mapping[str, str]

    @property
    def length(self) -> int:
        return len(_BRACKETS.sub("?", self.pattern))

    def matches(self, model: str) -> bool:
        name = model if "/" in self.pattern else model.rpartition("/")[2].removeprefix("ft:")
        return fnmatchcase(name.lower(), self.pattern.lower())


_added: dict[str, _Entry] = {}
_added_files: dict[str, Path] = {}


@lru_cache(maxsize=256)
def _merge(model: str, user_file: Path | None) -> tuple[ModelTraits, Mapping[str, str]]:
    """Return the traits of a model, and the origin of each that a table sets."""
    entries = [*_table(SHIPPED, False), *(_table(user_file, True) if user_file else ())]
    matching = [entry for entry in entries if entry.matches(model)]
    # The longest pattern wins, and what was added for this model over all patterns.
    matching.sort(key=lambda entry: (entry.length, entry.users))
    matching += [_added[model]] if model in _added else []
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for entry in matching:
        if any(name in entry.traits for name in _PRICES):  # prices are replaced together
            merged = {name: value for name, value in merged.items() if name not in _PRICES}
        merged |= entry.traits
        origin |= entry.origins
    return ModelTraits(**merged), {name: origin[name] for name in merged}


@lru_cache(maxsize=16)
def _table(path: Path, users: bool) -> tuple[_Entry, ...]:
    """Return the entries of a file."""
    try:
        toml = TomlFile(path)
    except InputError as error:
        hint = "; REASONING_MODELS names it" if not path.exists() else ""
        raise InputError(f"{error}{hint}") from None
    entries = list[_Entry]()
    for name, table in toml.values.items():
        _validate(name, table, toml)
        entries += [_entry(pattern, users, table, toml, name) for pattern in name.split()]
    return tuple(entries)


def _entry(pattern: str, users: bool, table: Mapping[str, Any], toml: TomlFile, name: str) -> _Entry:
    """Return the entry of a valid table, with the place of each trait."""
    shown = f"{'your' if users else 'shipped'} {toml.path.name}"
    traits = {key: frozenset(value) if isinstance(value, list) else value for key, value in table.items()}
    origins = {key: f'{shown}:{toml.line(name, key=key)} ["{pattern}"]' for key in table}
    return _Entry(pattern, users, traits, origins)


def _validate(name: str, table: Any, toml: TomlFile) -> None:
    """Raise InputError, with the line, if a table of the file is invalid."""
    if not isinstance(table, dict):
        raise toml.error(f'{name} must be in a table: write it below a pattern such as ["gpt-5*"]', key=name)
    if not name.strip():
        raise toml.error('the name of a table must be a pattern such as ["gpt-5*"], got an empty one', name)
    for key, value in table.items():
        if key not in FIELDS:
            hint = "" if not isinstance(value, dict) else '; a name with a dot needs quotes: ["gpt-5.1"]'
            raise toml.error(str(UnknownName("field", key, FIELDS, f'in ["{name}"]{hint}')), name, key=key)
        expected, is_valid = FIELDS[key]
        if not is_valid(value):
            raise toml.error(f'{key} in ["{name}"] must be {expected}, got {value!r}', name, key=key)
    if ("input" in table) != ("output" in table) or ("cached_input" in table and "input" not in table):
        raise toml.error(f'a price in ["{name}"] must have input and output together', name)


def _is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_text_table(value: Any) -> bool:
    return isinstance(value, dict) and _is_text_list(list(value.values()))


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_price(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


_TYPE_CHECKS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "Mapping[str, str]": ('a table such as { max_tokens = "max_completion_tokens" }', _is_text_table),
    "frozenset[str]": ('a list such as ["temperature", "stop"]', _is_text_list),
    "bool": ("true or false", _is_bool),
    "str": ('a text such as "thinking"', lambda value: isinstance(value, str)),
    "int": ("a number of tokens, at least 0", _is_count),
    "float | None": ("US dollars per million tokens, at least 0", _is_price),
}
FIELDS = {trait.name: _TYPE_CHECKS[str(trait.type)] for trait in fields(ModelTraits)}
