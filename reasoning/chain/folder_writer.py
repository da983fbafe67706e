"""From a chain to its folder."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

from reasoning import kinds, prompt_markdown
from reasoning.chain import toml_io
from reasoning.chain.chain import Chain
from reasoning.chain.code_loader import reference_of
from reasoning.chain.folder import CHAIN_FILE
from reasoning.chain.step import Step
from reasoning.chain.validators import as_validators
from reasoning.errors import UsageError
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
}


def save(chain: Chain, folder: Path) -> None:
    """See `Chain.save`. Nothing is written where something has no form."""
    files: dict[str, str] = {}
    code: dict[str, Path] = {}
    tables = [_step(step, files, code) for step in chain.steps]
    head = {"name": chain.name, **({"about": chain.about} if chain.about else {})}
    inputs = (
        {} if chain.inputs is None else {"inputs": {name: _kind(kind, code) for name, kind in chain.inputs.items()}}
    )
    files[CHAIN_FILE] = toml_io.dumps(head, {**inputs, "step": tables})
    try:
        raw = {name: text.encode("utf-8") for name, text in files.items()}
    except UnicodeEncodeError as error:
        raise UsageError(f"a chain's folder cannot hold {error.object[error.start : error.end]!r}: no text") from None
    folder = folder.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in raw.items():
        (folder / name).write_bytes(text)
    for name, file in code.items():
        if file.resolve() != (folder / name).resolve():
            shutil.copyfile(file, folder / name)
    for step in chain.steps:
        if step.chain is not None:
            save(step.chain, folder / step.name)


def _step(step: Step, files: dict[str, str], code: dict[str, Path]) -> dict[str, Any]:
    table: dict[str, Any] = {"name": step.name}
    reads = list(step.reads) if step.function is not None else sorted(step.dependencies)
    if reads:
        table["reads"] = reads
    if step.prompt is not None:
        table["prompt"] = name = f"{step.name}.md"
        files[name] = prompt_markdown.to_markdown(step.prompt)
        for key, default in (("form", "plain"), ("turns", "chat")):
            if getattr(step.prompt, key) != default:
                table[key] = getattr(step.prompt, key)
    if step.chain is not None:
        table["chain"] = step.name
    if step.function is not None:
        table["function"] = _code(step.function, code)
    if step.strategy:
        table["strategy"] = repr(step.strategy) if isinstance(step.strategy, Strategy) else step.strategy
    if step.returns != Text():
        table["returns"] = _kind(step.returns, code)
    if step.check is not None:
        checks = [_check(one, code) for one in as_validators(step.check)]
        table["check"] = checks if isinstance(step.check, list | tuple) else checks[0]
    if step.fallback is not None:
        table["fallback"] = _code(step.fallback, code)
    for field in dataclasses.fields(Step):
        usual = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if field.name in _PLAIN and getattr(step, field.name) != usual:
            table[field.name] = getattr(step, field.name)
    return table


def _kind(kind: Kind, code: dict[str, Path]) -> Any:
    if type(kind) not in kinds.KINDS.values():
        return _code(kind, code)
    data = kinds.to_json(kind)
    schema = getattr(kind, "schema", None)
    if isinstance(schema, type):
        data["schema"] = _code(schema, code)
    return data["kind"] if len(data) == 1 else data


def _check(check: Any, code: dict[str, Path]) -> Any:
    if isinstance(check, dict):
        return {"schema": check}
    if isinstance(check, Kind) and not isinstance(check, type):
        found = _kind(check, code)
        return found if isinstance(found, dict) or ":" in found else {"kind": found}
    return _code(check, code)


def _code(thing: Any, code: dict[str, Path]) -> str:
    """The name of something, whose file goes along."""
    name, file = reference_of(thing)
    if file is not None:
        known = code.setdefault(file.name, file)
        if known.read_bytes() != file.read_bytes():
            raise UsageError(f"two different files of the name {file.name} would go into one folder")
    return name
