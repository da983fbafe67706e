"""Traits of models by their names: refused parameters, support of `n`, prices.

The table is `models.toml` next to this file, which describes its fields. The user's own file of the
same form adds to it; see `users_path`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from reasoning import paths
from reasoning.errors import InputError, UnknownName
from reasoning.toml_io import TomlFile

SHIPPED = Path(__file__).with_name("models.toml")
_BRACKETS = re.compile(r"\[[^\]]+\]")
_FIELD = "extra_body."
"""The beginning of the name of a field of `extra_body` among parameters that are dropped."""
_PRICES = ("input", "output", "cached_input")
_SWITCHES = ("reasoning_effort", "thinking_tokens", "enable_thinking", "thinking", "think")
"""The parameters that switch reasoning on and off: OpenAI, vLLM and SGLang, Anthropic and DeepSeek, Ollama."""
_OFF = ("none", "disable", "disabled")
_EFFORTS = ("none", "default", "minimal", "low", "medium", "high", "xhigh", "max")
"""The efforts of all providers, from the least to the greatest."""


@dataclass(frozen=True)
class ModelTraits:
    """The differences of a model from a plain chat model.

    Attributes:
        rename: parameters that are sent under another name.
        drop: parameters that the model refuses or ignores; "extra_body.NAME" for a field of `extra_body`.
        drop_when_reasoning: parameters that it refuses while it reasons.
        reasons_by_default: whether it reasons even without `reasoning_effort`.
        thinking_tokens: the tokens by which a limit is raised while it reasons, because its
            reasoning counts towards the limit.
        efforts: the values of `reasoning_effort` that it takes; empty if they are not known.
        takes_effort: whether it takes `reasoning_effort` at all.
        effort_switch: the field of `extra_body` that switches its thinking on and off in place of
            `reasoning_effort`: "chat_template_kwargs.enable_thinking".
        thinking_budget: the field that takes a number of tokens of thought: "thinking" for
            `{"type": "enabled", "budget_tokens": N}`, "extra_body.NAME" for a field of `extra_body`; empty if
            it takes none.
        returns_thoughts: whether the API demands the thoughts before a tool call back in later turns.
        n: whether one request may ask for several completions.
        prefix_cache: whether a first request that is sent alone makes the prompt cheaper for those
            after it.
        direct: whether it is available through OpenAI's chat completions API.
        input: US dollars per million input tokens, if the user's file says so.
        output: the same for output tokens.
        cached_input: the same for cached input tokens.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    drop: frozenset[str] = frozenset()
    drop_when_reasoning: frozenset[str] = frozenset()
    reasons_by_default: bool = False
    thinking_tokens: int = 25_000
    efforts: frozenset[str] = frozenset()
    takes_effort: bool = True
    effort_switch: str = ""
    thinking_budget: str = ""
    returns_thoughts: bool = False
    n: bool = True
    prefix_cache: bool = False
    direct: bool = True
    input: float | None = None
    output: float | None = None
    cached_input: float | None = None

    def apply(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters to send: renamed, and without those that the model refuses."""
        dropped = self._dropped_names(sampling)
        sent = {self.rename.get(name, name): value for name, value in sampling.items() if name not in dropped}
        self._set_thinking(sent)
        if fields := self._dropped_fields(sampling, dropped):
            sent["extra_body"] = {name: value for name, value in sent["extra_body"].items() if name not in fields}
            if not sent["extra_body"]:
                del sent["extra_body"]
        return sent

    def _set_thinking(self, sent: dict[str, Any]) -> None:
        """Put the effort, and the number of tokens of thought, into the fields that the model has for them."""
        if self.effort_switch and (effort := sent.pop("reasoning_effort", None)) is not None:
            sent["extra_body"] = _with_field(sent.get("extra_body"), self.effort_switch, effort not in _OFF)
        if (tokens := sent.pop("thinking_tokens", None)) is not None:
            if self.thinking_budget.startswith(_FIELD):
                name = self.thinking_budget.removeprefix(_FIELD)
                sent["extra_body"] = _with_field(sent.get("extra_body"), name, tokens)
            else:
                form = {"type": "enabled", "budget_tokens": tokens} if tokens else {"type": "disabled"}
                sent[self.thinking_budget] = form

    def find_effort_problem(self, model: str, sampling: Mapping[str, Any]) -> str:
        """Return why a model does not think as the parameters say; empty if it does, or may.

        Args:
            model: its name, for the message.
            sampling: the parameters, of which `reasoning_effort` and `thinking_tokens` count.

        Examples:
            >>> traits("openai/o3").find_effort_problem("openai/o3", {"reasoning_effort": "max"})
            "openai/o3 takes no reasoning_effort 'max'; it takes reasoning_effort low, medium or high"
        """
        effort, tokens = sampling.get("reasoning_effort"), sampling.get("thinking_tokens")
        if effort is not None and (not self._has_effort or (self.efforts and effort not in self.efforts)):
            return f"{model} takes no reasoning_effort {effort!r}; {self._what_it_takes}"
        if tokens is not None and ("thinking_tokens" in self.drop or not self.thinking_budget):
            return f"{model} takes no number of tokens of thought; {self._what_it_takes}"
        return ""

    @property
    def _what_it_takes(self) -> str:
        taken = self.describe_effort()
        return f"it takes {taken}" if taken else "no setting for its thinking is known"

    @property
    def _has_effort(self) -> bool:
        return self.takes_effort and "reasoning_effort" not in self.drop

    def describe_effort(self) -> str:
        """Return the settings for its thinking that the model is known to take; empty without any."""
        taken = list[str]()
        if self.efforts and self._has_effort:
            known = sorted(self.efforts, key=lambda effort: _EFFORTS.index(effort) if effort in _EFFORTS else -1)
            taken.append(f"reasoning_effort {join_words(known)}")
        if self.thinking_budget and "thinking_tokens" not in self.drop:
            taken.append("a number of tokens (thinking_tokens)")
        return " and ".join(taken)

    def dropped(self, sampling: Mapping[str, Any]) -> list[str]:
        """Return the parameters that `apply` drops, in their order."""
        dropped = self._dropped_names(sampling)
        if not dropped:
            return []
        fields = self._dropped_fields(sampling, dropped)
        return [name for name in sampling if name in dropped] + [f"{_FIELD}{name}" for name in fields]

    def without(self, setting: str) -> ModelTraits:
        """Return the traits of a model that refuses a setting.

        A limit on tokens gets its other name, `max_completion_tokens` or `max_tokens`, since a budget needs one.

        Args:
            setting: the setting as it was sent; "extra_body.NAME" for a further field.
        """
        if setting == "max_tokens":
            return replace(self, rename={**self.rename, "max_tokens": "max_completion_tokens"})
        if setting == "max_completion_tokens":
            return replace(self, rename={old: new for old, new in self.rename.items() if old != "max_tokens"})
        original = next((old for old, new in self.rename.items() if new == setting), setting)
        return replace(self, drop=self.drop | {original})

    def _dropped_fields(self, sampling: Mapping[str, Any], dropped: frozenset[str]) -> list[str]:
        extra = sampling.get("extra_body")
        return [name for name in extra if f"{_FIELD}{name}" in dropped] if isinstance(extra, Mapping) else []

    def _dropped_names(self, sampling: Mapping[str, Any]) -> frozenset[str]:
        lacking = set[str]()
        if "thinking_tokens" in sampling and (not self.thinking_budget or self.thinking_budget in self.drop):
            lacking.add("thinking_tokens")
        is_switch_refused = f"{_FIELD}{self.effort_switch.partition('.')[0]}" in self.drop
        if not self.takes_effort or (self.effort_switch and is_switch_refused):
            lacking.add("reasoning_effort")
        return self._refused_names(sampling) | lacking if lacking else self._refused_names(sampling)

    def _refused_names(self, sampling: Mapping[str, Any]) -> frozenset[str]:
        if not self.drop_when_reasoning:
            return self.drop
        return self.drop | self.drop_when_reasoning if self.reasons(sampling) else self.drop

    def reasons(self, sampling: Mapping[str, Any]) -> bool:
        """Return whether the model reasons before it answers, by its name and the parameters that switch it.

        Examples:
            >>> traits("Qwen/Qwen3-8B").reasons({})
            True
            >>> off = {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}
            >>> traits("Qwen/Qwen3-8B").reasons(off)
            False
        """
        extra = sampling.get("extra_body")
        # `validate_params` reports a body of another type.
        extra = extra if isinstance(extra, Mapping) else {}
        template = extra.get("chat_template_kwargs")
        for switches in (sampling, extra, template if isinstance(template, Mapping) else {}):
            for name in _SWITCHES:
                if (value := switches.get(name)) is not None:
                    state = value.get("type", value.get("enabled")) if isinstance(value, Mapping) else value
                    return state not in (False, *_OFF)
        return self.reasons_by_default


def join_words(words: Sequence[str]) -> str:
    """Return words as an enumeration: "low, medium or high"."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _with_field(extra: Any, path: str, value: Any) -> dict[str, Any]:
    """Return a body with a field set, of which a dot separates the name of an inner object."""
    body = dict(extra) if isinstance(extra, Mapping) else {}
    name, dot, inner = path.partition(".")
    body[name] = _with_field(body.get(name), inner, value) if dot else value
    return body


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


@lru_cache(maxsize=256)
def _merge(model: str, user_file: Path | None) -> tuple[ModelTraits, Mapping[str, str]]:
    """Return the traits of a model, and the origin of each that a table sets."""
    entries = [*_table(SHIPPED, False), *(_table(user_file, True) if user_file else ())]
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for entry in sorted(entries, key=lambda entry: (entry.length, entry.users)):  # the longest pattern wins
        if entry.matches(model):
            if any(name in entry.traits for name in _PRICES):  # prices are replaced together
                merged = {name: value for name, value in merged.items() if name not in _PRICES}
            merged |= entry.traits
            origin |= entry.origins
    if (added := _added.get(model)) is not None:
        if any(name in added.traits for name in _PRICES):
            merged = {name: value for name, value in merged.items() if name not in _PRICES}
        merged |= added.traits
        origin |= added.origins
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
