"""From a folder to a chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from reasoning import kinds, prompt_markdown
from reasoning.chain import toml_io
from reasoning.chain.chain import Chain
from reasoning.chain.code_loader import CodeLoader, ImportPolicy
from reasoning.chain.step import Step
from reasoning.errors import InputError, UsageError, nearest
from reasoning.kinds import Json, Kind
from reasoning.prompts import Prompt

CHAIN_FILE = "chain.toml"
MAX_NESTING = 8
"""Chains within chains, at most."""

_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(
        ("name", "prompt", "form", "turns", "fallback", "strategy", "model", "function", "chain", "for_each"), (str,)
    ),
    **dict.fromkeys(("reads", "first_of"), (list,)),
    **dict.fromkeys(("max_repairs", "concurrency", "max_attempts"), (int,)),
    **dict.fromkeys(("sampling", "rename", "only_if"), (dict,)),
    "returns": (str, dict),
    "check": (str, dict, list),
    "if_empty": (str, bool, int, float, list, dict),
    "keep": (bool,),
}
_WORDS = {
    str: "a text",
    list: "a list",
    int: "a whole number",
    float: "a number",
    dict: "a table",
    bool: "true or false",
}


def load(folder: Path, policy: ImportPolicy = "trusted", package: str | None = None, depth: int = 0) -> Chain:
    """See `Chain.load`.

    Args:
        folder: the chain's folder.
        policy: which of the code that it names may be imported.
        package: the installed package that the folder is.
        depth: how many chains it is within.
    """
    folder = folder.expanduser()
    if not (folder / CHAIN_FILE).is_file():
        what = "it has no chain.toml" if folder.is_dir() else "there is no such folder"
        raise InputError(f"{folder}: no chain: {what}; reasoning chain new makes one")
    if depth > MAX_NESTING:
        raise InputError(f"{folder / CHAIN_FILE}:1: more than {MAX_NESTING} chains within each other")
    return _Folder(folder, CodeLoader(folder, policy, package), depth).chain()


class _Folder:
    def __init__(self, folder: Path, code: CodeLoader, depth: int) -> None:
        self.folder, self.code, self.depth = folder, code, depth
        self.toml = toml_io.TomlFile(folder / CHAIN_FILE)
        self.prompts: dict[str, tuple[Path, str]] = {}

    def chain(self) -> Chain:
        values = self.toml.values
        known = {"name": str, "about": str, "inputs": dict, "step": list}
        for key, value in values.items():
            self._known(key, known, "")
            if not isinstance(value, known[key]):
                raise self.toml.error(f"{key!r} is {_WORDS[known[key]]}, not {value!r:.60}", "", 0, key)
        steps = [self._step(number, table) for number, table in enumerate(values.get("step", []))]
        takes = self._takes(values["inputs"]) if "inputs" in values else None
        self._provided(steps, takes)
        for number, (step, table) in enumerate(zip(steps, values.get("step", []), strict=True)):
            listed = [str(one) for one in table.get("reads", step.dependencies)]
            if "function" not in table and set(listed) != step.dependencies:
                self._reads(step, listed, number)
        try:
            return Chain(*steps, name=values.get("name", self.folder.name), inputs=takes, about=values.get("about", ""))
        except UsageError as error:
            said = str(error)
            number = next((k for k in reversed(range(len(steps))) if f"{steps[k].name!r}" in said.partition(":")[0]), 0)
            first = next((k for k, step in enumerate(steps) if said.startswith(f"step {step.name!r}")), number)
            raise self.toml.error(said, "step", first, "name") from None

    def _takes(self, inputs: Mapping[str, Any]) -> dict[str, Kind]:
        return {name: self._guarded(partial(self._kind, kind), "inputs", 0, name) for name, kind in inputs.items()}

    def _step(self, number: int, table: Any) -> Step:
        if not isinstance(table, dict):
            raise self.toml.error("steps are tables: [[step]]", "", 0, "step")
        for key, value in table.items():
            self._known(key, _TYPES, "step", number)
            if not isinstance(value, _TYPES[key]) or (isinstance(value, bool) and bool not in _TYPES[key]):
                words = " or ".join(_WORDS[one] for one in _TYPES[key])
                raise self.toml.error(f"{key!r} is {words}, not {value!r:.60}", "step", number, key)

        def read(key: str, how: Callable[[Any], Any]) -> None:
            if key in given:
                given[key] = self._guarded(lambda: how(given[key]), "step", number, key)

        given = dict(table)
        if "name" not in given:
            raise self.toml.error("this step has no name", "step", number)
        form = {key: given.pop(key) for key in ("form", "turns") if key in given}
        if form and "prompt" not in given:
            raise self.toml.error("a step without a prompt has no form", "step", number, next(iter(form)))
        read("returns", self._kind)
        read("check", self._check)
        read("fallback", self.code.resolve)
        read("function", self.code.resolve)
        read("prompt", lambda name: self._prompt(given["name"], name, form))
        read("chain", lambda name: load(self._inside(name), self.code.policy, self._package(name), self.depth + 1))
        if "function" not in given:
            given.pop("reads", None)  # what its prompt says is compared with it, when all steps are known
        step: Step = self._guarded(lambda: Step(**given), "step", number, "name")
        return step

    def _reads(self, step: Step, listed: list[str], number: int) -> None:
        """Raise InputError: what a step reads is not what it says."""
        if extra := sorted(set(listed) - step.dependencies):
            raise self.toml.error(
                f"step {step.name!r} reads {extra[0]!r}, but uses it nowhere", "step", number, "reads"
            )
        name = min(step.dependencies - set(listed))
        where = f" ({self._place(step, name)})" if step.prompt is not None and name in step.prompt.placeholders else ""
        said = f"step {step.name!r} uses {name!r}{where}, which its reads = [{', '.join(listed)}] does not list"
        raise self.toml.error(said, "step", number, "reads")

    def _provided(self, steps: list[Step], takes: Mapping[str, Kind] | None) -> None:
        """Raise InputError where a step names something that nothing provides."""
        known = [*(takes or ()), *(step.name for step in steps)]
        for number, step in enumerate(steps if takes is not None else []):
            for name in sorted(step.dependencies - set(known)):
                near = nearest(name, known)
                hint = f"did you mean {{{near}}}?" if near else f"there are {', '.join(known)}"
                said = f"nothing provides {{{name}}}; {hint}"
                if step.prompt is not None and name in step.prompt.placeholders:
                    raise InputError(f"{self._place(step, name)}: {said}")
                raise self.toml.error(said, "step", number, "name")

    def _place(self, step: Step, placeholder: str) -> str:
        path, text = self.prompts[step.name]
        return f"{path}:{prompt_markdown.line_of(text, '{' + placeholder + '}')}"

    def _prompt(self, step: str, name: str, form: Mapping[str, Any]) -> Prompt:
        path = self._inside(name)
        text = toml_io.read_text(path)
        self.prompts[step] = path, text
        return prompt_markdown.from_markdown(text, path, **form)

    def _inside(self, name: str) -> Path:
        """A path within the folder; a chain has no business with other files."""
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise UsageError(f"{name!r} is outside of the chain's folder")
        return path

    def _package(self, inner: str) -> str | None:
        return f"{self.code.package}.{inner.replace('/', '.')}" if self.code.package else None

    def _kind(self, given: Any) -> Kind:
        if isinstance(given, str) and ":" in given:
            kind = self.code.resolve(given)
            if not isinstance(kind, Kind):
                raise UsageError(f"{given} is no kind of answer")
            return kind
        if isinstance(given, dict) and isinstance(given.get("schema"), str):
            given = {**given, "schema": self.code.resolve(given["schema"])}
            return Json(**{name: value for name, value in given.items() if name != "kind"})
        return kinds.from_json(given)

    def _check(self, given: Any) -> Any:
        if isinstance(given, list):
            return tuple(map(self._check, given))
        if isinstance(given, str):
            return self.code.resolve(given)
        if set(given) == {"schema"}:
            return given["schema"]
        return self._kind(given)

    def _known(self, key: str, known: Mapping[str, Any], table: str, number: int = 0) -> None:
        if key not in known:
            near = nearest(key, known)
            hint = f"did you mean {near!r}?" if near else f"there are {', '.join(known)}"
            raise self.toml.error(f"unknown key {key!r}; {hint}", table, number, key)

    def _guarded(self, how: Callable[[], Any], table: str, number: int, key: str) -> Any:
        """What `how` gives; its complaint gets the place of a key, unless it has one of its own."""
        try:
            return how()
        except InputError as error:
            if str(error).endswith("no such file") or "no chain:" in str(error):
                raise self.toml.error(str(error), table, number, key) from None
            raise
        except (UsageError, TypeError, ValueError) as error:
            raise self.toml.error(str(error), table, number, key) from None
