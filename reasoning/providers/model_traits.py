"""What is known of models by their names: what they do not take, whether they honour `n`, what they cost.

The table is `models.toml` beside this file, which says what its fields mean. The user's own file adds to it, in the
same form: `$REASONING_MODELS`, or `models.toml` in the folder for settings (`$REASONING_HOME`, else
`$XDG_CONFIG_HOME/reasoning`, else `~/.config/reasoning`).
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from reasoning import paths
from reasoning.errors import UnknownName, UsageError

SHIPPED = Path(__file__).with_name("models.toml")
_BRACKETS = re.compile(r"\[[^\]]+\]")
_PRICES = ("input", "output", "cached_input")


@dataclass(frozen=True)
class ModelTraits:
    """What sets a model apart from a plain chat model.

    Attributes:
        rename: settings that go out under another name.
        drop: settings that it refuses or ignores.
        drop_thinking: settings that it refuses while it reasons.
        thinks: whether it reasons also when `reasoning_effort` is not given.
        n: whether it gives several draws for one prompt.
        prefix_cache: whether a first draw that is sent alone makes the prompt cheaper for those after it.
        direct: whether OpenAI's own chat completions have it.
        input, output, cached_input: US dollars per million tokens, where the user's file says so.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    drop: frozenset[str] = frozenset()
    drop_when_reasoning: frozenset[str] = frozenset()
    reasons_by_default: bool = False
    n: bool = True
    prefix_cache: bool = False
    direct: bool = True
    input: float | None = None
    output: float | None = None
    cached_input: float | None = None

    def apply(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """The settings as they go out: renamed, and without those that the model does not take."""
        gone = self._gone(sampling)
        return {self.rename.get(name, name): value for name, value in sampling.items() if name not in gone}

    def dropped(self, sampling: Mapping[str, Any]) -> list[str]:
        """The settings that `apply` leaves out, in their order."""
        gone = self._gone(sampling)
        return [name for name in sampling if name in gone] if gone else []

    def _gone(self, sampling: Mapping[str, Any]) -> frozenset[str]:
        if not self.drop_when_reasoning:
            return self.drop
        effort = sampling.get("reasoning_effort")
        thinks = self.reasons_by_default if effort is None else effort != "none"
        return self.drop | self.drop_when_reasoning if thinks else self.drop


def traits(model: str) -> ModelTraits:
    """What is known of a model.

    Args:
        model: its name, with or without a provider: "openai/o3-mini", "o3-mini".

    Raises:
        UsageError: the user's file is missing, or something in it makes no sense.
    """
    return _traits(model, users_file())


def users_file() -> Path | None:
    """The user's own table, if there is one; `$REASONING_MODELS` is taken at its word."""
    if named := os.environ.get("REASONING_MODELS"):
        return Path(named).expanduser()
    return path if (path := paths.config_dir() / "models.toml").is_file() else None


@lru_cache(maxsize=16)
def fingerprint(path: Path) -> str:
    """Eight hexadecimal digits of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


class _Entry(NamedTuple):
    pattern: str
    users: bool
    said: Mapping[str, Any]

    @property
    def length(self) -> int:
        return len(_BRACKETS.sub("?", self.pattern))

    def matches(self, model: str) -> bool:
        name = model if "/" in self.pattern else model.rpartition("/")[2].removeprefix("ft:")
        return fnmatchcase(name.lower(), self.pattern.lower())


@lru_cache(maxsize=256)
def _traits(model: str, own: Path | None) -> ModelTraits:
    entries = [*_table(SHIPPED, False), *(_table(own, True) if own else ())]
    said: dict[str, Any] = {}
    for entry in sorted(entries, key=lambda entry: (entry.length, entry.users)):  # the last word wins
        if entry.matches(model):
            if any(name in entry.said for name in _PRICES):  # prices belong together
                said = {name: value for name, value in said.items() if name not in _PRICES}
            said |= entry.said
    return ModelTraits(**said)


@lru_cache(maxsize=16)
def _table(path: Path, users: bool) -> tuple[_Entry, ...]:
    """The entries of a file."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}, the table of models, cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise UsageError(f"{path}, the table of models, is not TOML: {error}") from None
    return tuple(_Entry(pattern, users, said) for name, said in _checked(data, path) for pattern in name.split())


def _checked(data: Mapping[str, Any], path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, table in data.items():
        if not isinstance(table, dict):
            raise UsageError(f'{path}: {name} stands outside of a table; write it below a pattern such as ["gpt-5*"]')
        if not name.strip():
            raise UsageError(f'{path}: a table without a pattern; its name is one such as ["gpt-5*"]')
        where = f'in ["{name}"] of {path}'
        for key, value in table.items():
            if key not in _FIELDS:
                hint = "" if not isinstance(value, dict) else '; a name with a dot needs quotes: ["gpt-5.1"]'
                raise UnknownName("field", key, _FIELDS, where + hint)
            wanted, holds = _FIELDS[key]
            if not holds(value):
                raise UsageError(f"{key} = {value!r} {where} makes no sense: it must be {wanted}")
        if ("input" in table) != ("output" in table) or ("cached_input" in table and "input" not in table):
            raise UsageError(f"half a price {where}: input and output belong together")
        yield name, {key: frozenset(value) if isinstance(value, list) else value for key, value in table.items()}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _renames(value: Any) -> bool:
    return isinstance(value, dict) and _texts(list(value.values()))


def _switch(value: Any) -> bool:
    return isinstance(value, bool)


def _dollars(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


_KINDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "Mapping[str, str]": ('a table such as { max_tokens = "max_completion_tokens" }', _renames),
    "frozenset[str]": ('a list such as ["temperature", "stop"]', _texts),
    "bool": ("true or false", _switch),
    "float | None": ("US dollars per million tokens, from 0 up", _dollars),
}
_FIELDS = {one.name: _KINDS[str(one.type)] for one in fields(ModelTraits)}
