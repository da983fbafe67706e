"""Reading the file of `--config`: every table, key and value is checked, and an error names the line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from reasoning.cli.config import Config, NamedModel, insert_specs, option_key
from reasoning.errors import ReasoningError, UnknownName
from reasoning.sampling_params import PARAM_NAMES, is_known, validate_params
from reasoning.secret_scan import find_secrets
from reasoning.toml_io import TomlFile

_NAMES = ("models", "tasks", "strategies", "budget")
"""The tables that are not the options of a command."""
_NOT_OPTIONS = ("config", "help", "install_completion", "show_completion")
_BUDGET = ("usd", "tokens", "calls", "seconds")
_TASK = ("source", "fields", "split", "limit", "seed")
_CONNECT = {
    "base_url": "base_url",
    "sandbox": "sandbox",
    "timeout": "timeout",
    "max_outage": "patience",
    **{name: name for name in ("concurrency", "requests_per_minute", "tokens_per_minute", "warm_prefix")},
    "share_limits": "shared",
}
"""The keys of a model that are arguments of `connect`, by their names as options."""
_FILE_FORM = re.compile(r"(jsonl|json|csv|tsv|parquet|toml|replay|local):(.+)")
"""Tasks and models that are files."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_config(path: Path, root: Any) -> Config:
    """Return the content of a file; see `Config.read`."""
    toml = TomlFile(path)
    for line, secret in find_secrets(toml.text):
        raise toml.error_at(
            line, f"the file must not contain {secret}; name the environment variable that holds it in api_key_env"
        )
    return _Reader(toml, root).read()


class _Reader:
    """Reads one file."""

    def __init__(self, toml: TomlFile, root: Any) -> None:
        self.toml, self.root = toml, root
        # The first table of each model, and the traits in it.
        self._traits: dict[str, tuple[str, dict[str, Any]]] = {}

    def read(self) -> Config:
        named = {name: self._table(self.toml.values.get(name, {}), "", name) for name in _NAMES}
        options = {
            name: table
            for key, value in self.toml.values.items()
            if key not in _NAMES
            for name, table in self._commands(key, value, self.root, key)
        }
        return Config(
            toml=self.toml,
            options=options,
            models={name: self._model(name, table) for name, table in named["models"].items()},
            tasks={name: self._task(name, table) for name, table in named["tasks"].items()},
            strategies=self._strategies(named["strategies"]),
            budget=self._budget(named["budget"]),
        )

    def _commands(self, key: str, value: Any, group: Any, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the options of the command of a table, or of the commands in it."""
        commands, table = group.commands, name.rpartition(".")[0]
        if key not in commands:
            known = [*commands, *([] if table else _NAMES)]
            self._fail_unknown("table" if not table else f"command of {table}", key, known, name, "")
        command, values = commands[key], self._table(value, table, key)
        if hasattr(command, "commands"):
            for inner, content in values.items():
                yield from self._commands(inner, content, command, f"{name}.{inner}")
        else:
            yield name, self._options(name, values, command)

    def _options(self, name: str, values: Mapping[str, Any], command: Any) -> dict[str, Any]:
        params = {option_key(param): param for param in command.params if param.param_type_name == "option"}
        params = {key: param for key, param in params.items() if key not in _NOT_OPTIONS}
        if "model" in params and params["model"].multiple:
            params["models"] = params["model"]
        found: dict[str, Any] = {}
        for key, value in values.items():
            if (param := params.get(key.replace("-", "_"))) is None:
                self._fail_unknown("option", key, params, name, key)
            found[param.name] = self._value(param, value, name, key)
        return found

    def _value(self, param: Any, value: Any, table: str, key: str) -> Any:
        """Return the value of an option as the command line would give it: text, several texts, or true or false."""
        if param.is_flag:
            if not isinstance(value, bool):
                self._fail(f"must be true or false, got {value!r}", table, key)
            return value
        if param.multiple:
            items = value if isinstance(value, list) else [value]
            return [self._path(param, self._text(item, table, key)) for item in items]
        return self._path(param, self._text(value, table, key))

    def _text(self, value: Any, table: str, key: str) -> str:
        """Return a value as an argument: a list with commas, and a table as NAME=VALUE with commas."""
        if isinstance(value, Mapping):
            return ", ".join(f"{name}={self._text(item, table, key)}" for name, item in value.items())
        if isinstance(value, list):
            return ", ".join(self._text(item, table, key) for item in value)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self._fail(f"must be a text or a number, got {value!r}", table, key)
        return str(value)

    def _path(self, param: Any, text: str) -> str:
        """Return the value of an option with a path in it relative to the file and not to the working folder."""
        if param.metavar in ("FILE", "DIR") and text != "-":
            return self._resolve(text)
        if param.metavar == "NAME=TEXT" and "=@" in text:
            name, _, path = text.partition("=@")
            return f"{name}=@{self._resolve(path)}"
        return self._source(text) if param.name in ("task", "model") else text

    def _source(self, text: str) -> str:
        """Return a task or a model with the path of its file relative to this file."""
        if match := _FILE_FORM.fullmatch(text):
            is_name = match[1] == "local" and not match[2].endswith(".gguf")
            return text if is_name else f"{match[1]}:{self._resolve(match[2])}"
        return self._resolve(text) if (self.toml.path.parent / text).is_file() else text

    def _resolve(self, text: str) -> str:
        return os.path.normpath(self.toml.path.parent / Path(text).expanduser())

    def _model(self, name: str, value: Any) -> NamedModel:
        from reasoning.providers import model_table

        table, content = f"models.{name}", dict(self._table(value, "models", name))
        if "api_key" in content:
            self._fail("must not be in the file; write api_key_env, the environment variable with it", table, "api_key")
        model = self._string(content, table, "model", required=True)
        variable = self._string(content, table, "api_key_env")
        if variable is not None and not _VARIABLE.fullmatch(variable):
            # The value may be a key, so it is not shown.
            self._fail("must be the name of an environment variable, such as MY_API_KEY", table, "api_key_env")
        settings: dict[str, Any] = {}
        traits: dict[str, Any] = {}
        for key, item in content.items():
            if key in _CONNECT:
                settings[_CONNECT[key]] = item
            elif key in model_table.FIELDS:
                traits[key] = item
            elif is_known(key):
                settings[key] = item
            elif key not in ("model", "api_key_env"):
                known = [*_CONNECT, *PARAM_NAMES, *model_table.FIELDS, "model", "api_key_env", "reasoning_effort"]
                self._fail_unknown("key", key, known, table, key)
        self._check_settings(settings, table)
        model = self._source(model)
        other, others = self._traits.setdefault(model, (table, traits))
        if others != traits:
            differing = sorted(key for key in {*traits, *others} if traits.get(key) != others.get(key))
            self._fail(
                f"is also that of [{other}], with other traits ({', '.join(differing)}); traits belong to a model, "
                "so give both tables the same ones",
                *(table, "model"),
            )
        if traits:
            model_table.add(model, traits, self.toml, table)
        place = f"{self.toml.path}:{self.toml.line(table)}"
        base_url = settings.pop("base_url", None)
        return NamedModel(model, place, base_url, variable, settings)

    def _check_settings(self, settings: Mapping[str, Any], table: str) -> None:
        for key, name in _CONNECT.items():
            value: Any = settings.get(name)
            if name == "base_url" and isinstance(value, list):
                is_right, expected = bool(value) and all(isinstance(one, str) for one in value), "a list of texts"
            elif name in ("base_url", "sandbox"):
                is_right, expected = isinstance(value, str), "a text"
            elif name in ("warm_prefix", "shared"):
                is_right, expected = isinstance(value, bool), "true or false"
            else:
                is_number = isinstance(value, int | float) and not isinstance(value, bool)
                is_right, expected = is_number and value is not None and value > 0, "a number above 0"
                if name == "concurrency":
                    is_right, expected = is_right and isinstance(value, int), "a whole number above 0"
            if value is not None and not is_right:
                self._fail(f"must be {expected}, got {value!r}", table, key)
        sampling = {name: value for name, value in settings.items() if name not in _CONNECT.values()}
        try:
            validate_params(sampling, f"in [{table}]")
        except ReasoningError as error:
            raise self.toml.error(str(error), table, key=next(iter(sampling))) from None

    def _task(self, name: str, value: Any) -> dict[str, Any]:
        table, content = f"tasks.{name}", self._table(value, "tasks", name)
        source = self._string(content, table, "source", required=True)
        for key in content:
            if key not in _TASK:
                self._fail_unknown("key", key, _TASK, table, key)
        texts = {key: self._text(item, table, key) for key, item in content.items()}
        return {**texts, "source": self._source(source)}

    def _strategies(self, values: Mapping[str, Any]) -> dict[str, str]:
        from reasoning import registry

        named: dict[str, str] = {}
        for name, value in values.items():
            table, key = ("strategies", name) if isinstance(value, str) else (f"strategies.{name}", "spec")
            spec = value if isinstance(value, str) else self._table(value, "strategies", name).get("spec")
            if not isinstance(spec, str):
                self._fail(f'must be a spec, as in {name} = "self_consistency(cot, samples=5)"', table, key)
            if not name.isidentifier() or name in registry.places():
                self._fail("must be a word that is no technique's name", "strategies", name)
            try:
                # A name may stand in the specs below it.
                named[name] = insert_specs(spec, named)
                registry.get(named[name])
            except ReasoningError as error:
                raise self.toml.error(f"{name}: {error}", table, key=key) from None
        return named

    def _budget(self, values: Mapping[str, Any]) -> dict[str, Any]:
        for key in values:
            if key not in _BUDGET:
                self._fail_unknown("key", key, _BUDGET, "budget", key)
        return {f"budget_{key}": self._text(value, "budget", key) for key, value in values.items()}

    def _string(self, content: Mapping[str, Any], table: str, key: str, *, required: bool = False) -> Any:
        value = content.get(key)
        if (required and value is None) or (value is not None and not (isinstance(value, str) and value)):
            self._fail(f"must be a text, got {'nothing' if value is None else repr(value)}", table, key)
        return value

    def _table(self, value: Any, table: str, key: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            name = f"{table}.{key}" if table else key
            raise self.toml.error(f"{key} must be a table: write [{name}]", table, key=key)
        return value

    def _fail(self, problem: str, table: str, key: str) -> NoReturn:
        raise self.toml.error(f"{key} in [{table}] {problem}", table, key=key)

    def _fail_unknown(self, what: str, name: str, known: Any, table: str, key: str) -> NoReturn:
        where = f"in [{table}]" if key else ""
        raise self.toml.error(str(UnknownName(what, name, known, where)), table, key=key)
