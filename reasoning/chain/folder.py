"""From a folder to a chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from reasoning import kinds
from reasoning.chain import prompt_markdown, toml_io
from reasoning.chain.chain import Chain
from reasoning.chain.code_loader import Code, Leave
from reasoning.chain.step import Step
from reasoning.errors import InputError, UsageError, nearest
from reasoning.kinds import Json, Kind
from reasoning.prompts import Prompt

FILE = "chain.toml"
DEEPEST = 8
"""Chains within chains, at most."""

_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "prompt", "form", "turns", "mend", "by", "model", "call", "chain", "for_each"), (str,)),
    **dict.fromkeys(("reads", "join"), (list,)),
    **dict.fromkeys(("repairs", "at_once", "tries"), (int,)),
    **dict.fromkeys(("sampling", "inputs", "when"), (dict,)),
    "returns": (str, dict),
    "check": (str, dict, list),
    "when_empty": (str, bool, int, float, list, dict),
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


def load(folder: Path, leave: Leave = "known", package: str | None = None, depth: int = 0) -> Chain:
    """See `Chain.load`.

    Args:
        folder: the chain's folder.
        leave: which of the code that it names may be imported.
        package: the installed package that the folder is.
        depth: how many chains it is within.
    """
    folder = folder.expanduser()
    if not (folder / FILE).is_file():
        what = "it has no chain.toml" if folder.is_dir() else "there is no such folder"
        raise InputError(f"{folder}: no chain: {what}; reasoning chain new makes one")
    if depth > DEEPEST:
        raise InputError(f"{folder / FILE}:1: more than {DEEPEST} chains within each other")
    return _Folder(folder, Code(folder, leave, package), depth).chain()


class _Folder:
    def __init__(self, folder: Path, code: Code, depth: int) -> None:
        self.folder, self.code, self.depth = folder, code, depth
        self.toml = toml_io.Source(folder / FILE)
        self.prompts: dict[str, tuple[Path, str]] = {}

    def chain(self) -> Chain:
        values = self.toml.values
        known = {"name": str, "about": str, "inputs": dict, "step": list}
        for key, value in values.items():
            self._known(key, known, "")
            if not isinstance(value, known[key]):
                raise self.toml.wrong(f"{key!r} is {_WORDS[known[key]]}, not {value!r:.60}", "", 0, key)
        steps = [self._step(number, table) for number, table in enumerate(values.get("step", []))]
        takes = self._takes(values["inputs"]) if "inputs" in values else None
        self._provided(steps, takes)
        for number, (step, table) in enumerate(zip(steps, values.get("step", []), strict=True)):
            listed = [str(one) for one in table.get("reads", step.needs)]
            if "call" not in table and set(listed) != step.needs:
                self._reads(step, listed, number)
        try:
            return Chain(*steps, name=values.get("name", self.folder.name), takes=takes, about=values.get("about", ""))
        except UsageError as error:
            said = str(error)
            number = next((k for k in reversed(range(len(steps))) if f"{steps[k].name!r}" in said.partition(":")[0]), 0)
            first = next((k for k, step in enumerate(steps) if said.startswith(f"step {step.name!r}")), number)
            raise self.toml.wrong(said, "step", first, "name") from None

    def _takes(self, inputs: Mapping[str, Any]) -> dict[str, Kind]:
        return {name: self._guarded(partial(self._kind, kind), "inputs", 0, name) for name, kind in inputs.items()}

    def _step(self, number: int, table: Any) -> Step:
        if not isinstance(table, dict):
            raise self.toml.wrong("steps are tables: [[step]]", "", 0, "step")
        for key, value in table.items():
            self._known(key, _TYPES, "step", number)
            if not isinstance(value, _TYPES[key]) or (isinstance(value, bool) and bool not in _TYPES[key]):
                words = " or ".join(_WORDS[one] for one in _TYPES[key])
                raise self.toml.wrong(f"{key!r} is {words}, not {value!r:.60}", "step", number, key)

        def read(key: str, how: Callable[[Any], Any]) -> None:
            if key in given:
                given[key] = self._guarded(lambda: how(given[key]), "step", number, key)

        given = dict(table)
        if "name" not in given:
            raise self.toml.wrong("this step has no name", "step", number)
        form = {key: given.pop(key) for key in ("form", "turns") if key in given}
        if form and "prompt" not in given:
            raise self.toml.wrong("a step without a prompt has no form", "step", number, next(iter(form)))
        read("returns", self._kind)
        read("check", self._check)
        read("mend", self.code.get)
        read("call", self.code.get)
        read("prompt", lambda name: self._prompt(given["name"], name, form))
        read("chain", lambda name: load(self._inside(name), self.code.leave, self._package(name), self.depth + 1))
        if "call" not in given:
            given.pop("reads", None)  # what its prompt says is compared with it, when all steps are known
        step: Step = self._guarded(lambda: Step(**given), "step", number, "name")
        return step

    def _reads(self, step: Step, listed: list[str], number: int) -> None:
        """Raise InputError: what a step reads is not what it says."""
        if extra := sorted(set(listed) - step.needs):
            raise self.toml.wrong(
                f"step {step.name!r} reads {extra[0]!r}, but uses it nowhere", "step", number, "reads"
            )
        name = min(step.needs - set(listed))
        where = f" ({self._place(step, name)})" if step.prompt is not None and name in step.prompt.placeholders else ""
        said = f"step {step.name!r} uses {name!r}{where}, which its reads = [{', '.join(listed)}] does not list"
        raise self.toml.wrong(said, "step", number, "reads")

    def _provided(self, steps: list[Step], takes: Mapping[str, Kind] | None) -> None:
        """Raise InputError where a step names something that nothing provides."""
        known = [*(takes or ()), *(step.name for step in steps)]
        for number, step in enumerate(steps if takes is not None else []):
            for name in sorted(step.needs - set(known)):
                near = nearest(name, known)
                hint = f"did you mean {{{near}}}?" if near else f"there are {', '.join(known)}"
                said = f"nothing provides {{{name}}}; {hint}"
                if step.prompt is not None and name in step.prompt.placeholders:
                    raise InputError(f"{self._place(step, name)}: {said}")
                raise self.toml.wrong(said, "step", number, "name")

    def _place(self, step: Step, placeholder: str) -> str:
        path, text = self.prompts[step.name]
        return f"{path}:{prompt_markdown.line_of(text, '{' + placeholder + '}')}"

    def _prompt(self, step: str, name: str, form: Mapping[str, Any]) -> Prompt:
        path = self._inside(name)
        text = toml_io.read_text(path)
        self.prompts[step] = path, text
        return prompt_markdown.read(text, path, **form)

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
            kind = self.code.get(given)
            if not isinstance(kind, Kind):
                raise UsageError(f"{given} is no kind of answer")
            return kind
        if isinstance(given, dict) and isinstance(given.get("schema"), str):
            given = {**given, "schema": self.code.get(given["schema"])}
            return Json(**{name: value for name, value in given.items() if name != "kind"})
        return kinds.from_json(given)

    def _check(self, given: Any) -> Any:
        if isinstance(given, list):
            return tuple(map(self._check, given))
        if isinstance(given, str):
            return self.code.get(given)
        if set(given) == {"schema"}:
            return given["schema"]
        return self._kind(given)

    def _known(self, key: str, known: Mapping[str, Any], table: str, number: int = 0) -> None:
        if key not in known:
            near = nearest(key, known)
            hint = f"did you mean {near!r}?" if near else f"there are {', '.join(known)}"
            raise self.toml.wrong(f"unknown key {key!r}; {hint}", table, number, key)

    def _guarded(self, how: Callable[[], Any], table: str, number: int, key: str) -> Any:
        """What `how` gives; its complaint gets the place of a key, unless it has one of its own."""
        try:
            return how()
        except InputError as error:
            if str(error).endswith("no such file") or "no chain:" in str(error):
                raise self.toml.wrong(str(error), table, number, key) from None
            raise
        except (UsageError, TypeError, ValueError) as error:
            raise self.toml.wrong(str(error), table, number, key) from None
