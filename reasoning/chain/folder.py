"""Loading a chain from its folder, with the file and the line of every error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from reasoning import kinds, prompt_markdown, toml_io
from reasoning.chain.chain import Chain
from reasoning.chain.code_loader import CodeLoader, ImportPolicy
from reasoning.chain.step import Step
from reasoning.errors import InputError, UsageError, nearest
from reasoning.kinds import Json, Kind
from reasoning.prompts import Prompt
from reasoning.registry import bundled_chains

CHAIN_FILE = "chain.toml"
MAX_NESTING = 8
"""The most levels of chains within chains."""

_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(
        ("name", "prompt", "form", "turns", "parse", "fallback", "strategy", "model", "function", "chain", "for_each"),
        (str,),
    ),
    **dict.fromkeys(("reads", "first_of"), (list,)),
    **dict.fromkeys(("max_repairs", "concurrency", "max_attempts"), (int,)),
    **dict.fromkeys(("sampling", "rename", "only_if", "titles"), (dict,)),
    "returns": (str, dict),
    "check": (str, dict, list),
    "if_empty": (str, bool, int, float, list, dict),
    **dict.fromkeys(("keep", "structured"), (bool,)),
}
"""The keys of a step, with the types of their values."""
_TYPE_NAMES = {
    str: "a text",
    list: "a list",
    int: "a whole number",
    float: "a number",
    dict: "a table",
    bool: "true or false",
}


def load(folder: Path, policy: ImportPolicy = "trusted", package: str | None = None, depth: int = 0) -> Chain:
    """Load the chain of a folder. See `Chain.load`.

    Args:
        folder: the folder of the chain, or one of its .toml files; or the name of a bundled chain.
        policy: the import policy for the functions that the chain names.
        package: the import name of the folder if it is an installed package, else None.
        depth: the number of chains that enclose this one.

    Raises:
        InputError: the folder holds no valid chain; names the file and the line.
        UsageError: the chain names a function that may not be imported.
    """
    folder = folder.expanduser() if folder.expanduser().exists() else find_bundled(folder) or folder.expanduser()
    file = chain_file(folder)
    folder = file.parent if file.is_file() else folder
    if not file.is_file():
        problem = "it has no chain.toml" if folder.is_dir() else "the folder does not exist"
        problem = "it is a file, and a chain is a folder" if folder.is_file() else problem
        raise InputError(f"{folder}: no chain: {problem}; create one with: reasoning chain new")
    if depth > MAX_NESTING:
        raise InputError(f"{file}:1: chains must be nested at most {MAX_NESTING} levels deep")
    return _Reader(file, CodeLoader(folder, policy, package), depth).chain()


def find_bundled(path: Path) -> Path | None:
    """Return the folder of a bundled chain by its name, or a file in it: "telecom_feedback/batch.toml"."""
    name, *rest = path.parts or ("",)
    folder = bundled_chains().get(name)
    found = folder.joinpath(*rest) if folder is not None and ".." not in rest else None
    return found if found is not None and found.exists() else None


def chain_file(path: Path) -> Path:
    """Return the file that describes a chain: `chain.toml` of a folder, or the path itself if it is a .toml file.

    A folder may hold several chains that share its prompts and its code.
    """
    return path if path.suffix == ".toml" and not path.is_dir() else path / CHAIN_FILE


class _Reader:
    """A reader of one chain's file and the prompts next to it."""

    def __init__(self, file: Path, code: CodeLoader, depth: int) -> None:
        self.folder, self.code, self.depth = file.parent, code, depth
        self.toml = toml_io.TomlFile(file)
        self.prompts: dict[str, tuple[Path, str]] = {}
        """The file and the text of each step's prompt, by the step's name."""

    def chain(self) -> Chain:
        """Return the chain of the folder."""
        values = self.toml.values
        types = {"name": str, "about": str, "inputs": dict, "step": list}
        for key, value in values.items():
            self._check_key(key, types, "")
            if not isinstance(value, types[key]):
                raise self.toml.error(f"{key!r} must be {_TYPE_NAMES[types[key]]}, got {value!r:.60}", "", 0, key)
        tables = values.get("step", [])
        steps = [self._step(number, table) for number, table in enumerate(tables)]
        inputs = self._inputs(values["inputs"]) if "inputs" in values else None
        self._check_placeholders(steps, inputs)
        for number, (step, table) in enumerate(zip(steps, tables, strict=True)):
            reads = [str(name) for name in table.get("reads", step.dependencies)]
            if "function" not in table and set(reads) != step.dependencies:
                raise self._reads_error(step, reads, number)
        try:
            return Chain(
                *steps, name=values.get("name", self.folder.name), inputs=inputs, about=values.get("about", "")
            )
        except UsageError as error:
            message = str(error)
            mentioned = [k for k, step in enumerate(steps) if f"{step.name!r}" in message.partition(":")[0]]
            first = [k for k, step in enumerate(steps) if message.startswith(f"step {step.name!r}")]
            number = first[0] if first else mentioned[-1] if mentioned else 0
            raise self.toml.error(message, "step", number, "name") from None

    def _inputs(self, inputs: Mapping[str, Any]) -> dict[str, Kind]:
        return {
            name: self._with_location(partial(self._kind, kind), "inputs", 0, name) for name, kind in inputs.items()
        }

    def _step(self, number: int, table: Any) -> Step:
        if not isinstance(table, dict):
            raise self.toml.error("steps must be tables: [[step]]", "", 0, "step")
        for key, value in table.items():
            self._check_key(key, _TYPES, "step", number)
            if not isinstance(value, _TYPES[key]) or (isinstance(value, bool) and bool not in _TYPES[key]):
                wanted = " or ".join(_TYPE_NAMES[type_] for type_ in _TYPES[key])
                raise self.toml.error(f"{key!r} must be {wanted}, got {value!r:.60}", "step", number, key)

        def convert(key: str, converter: Callable[[Any], Any]) -> None:
            if key in fields:
                fields[key] = self._with_location(lambda: converter(fields[key]), "step", number, key)

        fields = dict(table)
        if "name" not in fields:
            raise self.toml.error("this step has no name", "step", number)
        form = {key: fields.pop(key) for key in ("form", "turns", "titles") if key in fields}
        if form and "prompt" not in fields:
            raise self.toml.error(f"{next(iter(form))} needs a prompt", "step", number, next(iter(form)))
        convert("returns", self._kind)
        convert("check", self._check)
        convert("parse", self.code.resolve)
        convert("fallback", self.code.resolve)
        convert("function", self.code.resolve)
        convert("prompt", lambda name: self._prompt(fields["name"], name, form))
        convert("chain", self._inner_chain)
        if "function" not in fields:
            # `chain` compares the key with the names that the step uses.
            fields.pop("reads", None)
        step: Step = self._with_location(lambda: Step(**fields), "step", number, "name")
        return step

    def _reads_error(self, step: Step, reads: list[str], number: int) -> InputError:
        """Return the error of a step whose `reads` differ from the names that it uses."""
        extra, unlisted = sorted(set(reads) - step.dependencies), sorted(step.dependencies - set(reads))
        used = ""
        if unlisted:
            name = unlisted[0]
            in_prompt = step.prompt is not None and name in step.prompt.placeholders
            used = f"{name!r}" + (f" ({self._location(step, name)})" if in_prompt else "")
        if extra:
            message = f"step {step.name!r} reads {extra[0]!r}, but does not use it" + (
                f"; it uses {used}" if used else ""
            )
        else:
            message = f"step {step.name!r} uses {used}, but its reads = [{', '.join(reads)}] does not list it"
        return self.toml.error(message, "step", number, "reads")

    def _check_placeholders(self, steps: list[Step], inputs: Mapping[str, Kind] | None) -> None:
        """Raise InputError if inputs are declared and a step reads a name that nothing provides."""
        known = [*(inputs or ()), *(step.name for step in steps)]
        for number, step in enumerate(steps if inputs is not None else []):
            for name in sorted(step.dependencies - set(known)):
                near = nearest(name, known)
                hint = f"did you mean {{{near}}}?" if near else f"known: {', '.join(known)}"
                message = f"nothing provides {{{name}}}; {hint}"
                if step.prompt is not None and name in step.prompt.placeholders:
                    raise InputError(f"{self._location(step, name)}: {message}")
                raise self.toml.error(message, "step", number, "name")

    def _location(self, step: Step, placeholder: str) -> str:
        """Return the file and the line of a placeholder in a step's prompt."""
        path, text = self.prompts[step.name]
        return f"{path}:{prompt_markdown.line_of(text, '{' + placeholder + '}')}"

    def _prompt(self, step: str, name: str, form: Mapping[str, Any]) -> Prompt:
        path = self._resolve_path(name)
        text = toml_io.read_text(path)
        self.prompts[step] = path, text
        return prompt_markdown.from_markdown(text, path, **form)

    def _resolve_path(self, name: str) -> Path:
        """Return a path within the folder. A chain reads no other files."""
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise UsageError(f"{name!r} is outside of the chain's folder")
        return path

    def _inner_chain(self, name: str) -> Chain:
        path = self._resolve_path(name)
        if path.resolve() == self.folder.resolve():
            raise UsageError(f"a chain cannot contain itself, got {name!r}; name a folder within its own")
        return load(path, self.code.policy, self._package(name), self.depth + 1)

    def _package(self, inner: str) -> str | None:
        return f"{self.code.package}.{inner.replace('/', '.')}" if self.code.package else None

    def _kind(self, value: Any) -> Kind:
        if isinstance(value, str) and ":" in value:
            kind = self.code.resolve(value)
            if not isinstance(kind, Kind):
                raise UsageError(f"{value} is not a kind")
            return kind
        if isinstance(value, dict) and isinstance(value.get("schema"), str):
            value = {**value, "schema": self.code.resolve(value["schema"])}
            return Json(**{name: field for name, field in value.items() if name != "kind"})
        return kinds.from_json(value)

    def _check(self, value: Any) -> Any:
        if isinstance(value, list):
            return tuple(map(self._check, value))
        if isinstance(value, str):
            return self.code.resolve(value)
        if set(value) == {"schema"}:
            return value["schema"]
        return self._kind(value)

    def _check_key(self, key: str, known: Mapping[str, Any], table: str, number: int = 0) -> None:
        if key not in known:
            near = nearest(key, known)
            hint = f"did you mean {near!r}?" if near else f"known keys: {', '.join(known)}"
            raise self.toml.error(f"unknown key {key!r}; {hint}", table, number, key)

    def _with_location(self, read: Callable[[], Any], table: str, number: int, key: str) -> Any:
        """Call a function, and put the location of a key before its error unless the error names one."""
        try:
            return read()
        except InputError as error:
            if str(error).endswith("no such file") or "no chain:" in str(error):
                raise self.toml.error(str(error), table, number, key) from None
            raise
        except (UsageError, TypeError, ValueError) as error:
            raise self.toml.error(str(error), table, number, key) from None
