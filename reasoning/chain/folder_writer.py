"""Saving a chain as a folder: `chain.toml`, a Markdown file for each prompt, and the Python files of its functions."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from reasoning import kinds, prompt_markdown, toml_io
from reasoning.chain.chain import Chain
from reasoning.chain.code_loader import reference_of
from reasoning.chain.folder import CHAIN_FILE
from reasoning.chain.step import Step
from reasoning.chain.validators import as_validators
from reasoning.errors import InputError, UsageError
from reasoning.kinds import Kind, Text
from reasoning.strategy import Strategy

_PLAIN = {
    "max_repairs",
    "if_empty",
    "sampling",
    "model",
    "rename",
    "first_of",
    "for_each",
    "concurrency",
    "only_if",
    "max_attempts",
    "keep",
    "structured",
}
"""The fields of a step that are written as they are."""

_DEFAULTS: dict[str, Any] = {
    "about": "",
    "form": "plain",
    "turns": "chat",
    "returns": "text",
    "strategy": "",
    "reads": [],
    "sampling": {},
    "rename": {},
    "first_of": [],
    "for_each": "",
    "only_if": {},
    **{field.name: field.default for field in dataclasses.fields(Step) if isinstance(field.default, int)},
}
"""The values of omitted keys."""


def save(chain: Chain, folder: Path) -> None:
    """Write a chain's folder, or nothing if a part of the chain cannot be stored. See `Chain.save`."""
    folder = folder.expanduser()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file, and a chain is saved as a folder; give another name")
    writer = _Writer(folder)
    tables = [writer.step(step) for step in chain.steps]
    head = {"name": chain.name, **({"about": chain.about} if chain.about else {})}
    inputs = {} if chain.inputs is None else {"inputs": {n: writer.kind(kind) for n, kind in chain.inputs.items()}}
    content = {**inputs, "step": tables}
    old = writer.old.text if writer.old is not None else None
    text = toml_io.dumps(head, content) if old is None else toml_io.update(old, head, content, _same)
    files = {CHAIN_FILE: text, **writer.prompts}
    try:
        raw = {name: text.encode("utf-8") for name, text in files.items()}
    except UnicodeEncodeError as error:
        raise UsageError(
            f"a chain's folder cannot hold {error.object[error.start : error.end]!r}: it is not valid Unicode"
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in raw.items():
        (folder / name).write_bytes(data)
    for name, file in writer.code.items():
        if file.resolve() != (folder / name).resolve():
            shutil.copyfile(file, folder / name)
    for step in chain.steps:
        if step.chain is not None:
            save(step.chain, folder / step.name)


class _Writer:
    """The files of a folder that is being written.

    Args:
        folder: the folder; a valid `chain.toml` in it is updated.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prompts: dict[str, str] = {}
        """The texts of the prompts, by the name of their files."""
        self.code: dict[str, Path] = {}
        """The files of the functions, by name."""
        try:
            self.old: toml_io.TomlFile | None = toml_io.TomlFile(folder / CHAIN_FILE)
        except InputError:
            self.old = None

    def step(self, step: Step) -> dict[str, Any]:
        """Return the table of a step."""
        table: dict[str, Any] = {"name": step.name}
        reads = list(step.reads) if step.function is not None else sorted(step.dependencies)
        if reads:
            table["reads"] = reads
        if step.prompt is not None:
            table["prompt"] = name = f"{step.name}.md"
            self.prompts[name] = self._prompt(step, name)
            for key in ("form", "turns"):
                if getattr(step.prompt, key) != _DEFAULTS[key]:
                    table[key] = getattr(step.prompt, key)
            if step.prompt.titles:
                table["titles"] = dict(step.prompt.titles)
        if step.chain is not None:
            table["chain"] = step.name
        if step.function is not None:
            table["function"] = self._function(step.function)
        if step.strategy:
            table["strategy"] = repr(step.strategy) if isinstance(step.strategy, Strategy) else step.strategy
        if step.returns != Text():
            table["returns"] = self.kind(step.returns)
        if step.parse is not None:
            table["parse"] = self._function(step.parse)
        if step.check is not None:
            checks = [self._check(check) for check in as_validators(step.check)]
            table["check"] = checks if isinstance(step.check, list | tuple) else checks[0]
        if step.fallback is not None:
            table["fallback"] = self._function(step.fallback)
        for field in dataclasses.fields(Step):
            default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
            if field.name in _PLAIN and getattr(step, field.name) != default:
                table[field.name] = getattr(step, field.name)
        return table

    def _prompt(self, step: Step, name: str) -> str:
        """Return the Markdown of a step's prompt: the existing text if it parses to the same prompt."""
        assert step.prompt is not None
        path = self.folder / name
        # The file may be missing or invalid.
        with suppress(UsageError):
            old = toml_io.read_text(path)
            new = step.prompt
            if prompt_markdown.from_markdown(old, path, new.form, new.turns, new.titles) == new:
                return old
        return prompt_markdown.to_markdown(step.prompt)

    def kind(self, kind: Kind) -> Any:
        """Return a kind as a name, a table, or the reference of a kind that is not the library's."""
        if type(kind) not in kinds.KINDS.values():
            return self._function(kind)
        data = kinds.to_json(kind)
        schema = getattr(kind, "schema", None)
        if isinstance(schema, type):
            data["schema"] = self._function(schema)
        return data["kind"] if len(data) == 1 else data

    def _check(self, check: Any) -> Any:
        if isinstance(check, dict):
            return {"schema": check}
        if isinstance(check, Kind) and not isinstance(check, type):
            data = self.kind(check)
            return data if isinstance(data, dict) or ":" in data else {"kind": data}
        return self._function(check)

    def _function(self, function: Any) -> str:
        """Return the reference of a function or class, and note the file that must be copied."""
        name, file = reference_of(function)
        if file is not None:
            known = self.code.setdefault(file.name, file)
            if known.read_bytes() != file.read_bytes():
                raise UsageError(f"two different files named {file.name} cannot be saved in one folder")
        return name


def _same(table: str, key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return True if a key has the same meaning in two tables. See `toml_io.Same`."""
    if key == "reads" and "function" not in new:
        # The names that a prompt reads follow from its placeholders, in any order.
        return key not in old or sorted(map(str, old[key])) == sorted(new.get(key, []))
    if key not in _DEFAULTS and (key not in old or key not in new):
        return False
    return _meaning(table, key, old) == _meaning(table, key, new)


def _meaning(table: str, key: str, values: Mapping[str, Any]) -> str:
    """Return a text that is equal for all spellings of a value."""
    value = values[key] if key in values else _DEFAULTS[key]
    if table == "inputs" or key == "returns":
        # The value may be a reference or an invalid kind.
        with suppress(UsageError, TypeError, ValueError):
            value = kinds.to_json(kinds.from_json(value))
    if key == "only_if" and isinstance(value, Mapping):
        value = {name: [label] if isinstance(label, str) else list(label) for name, label in value.items()}
    return json.dumps(value, default=str)
