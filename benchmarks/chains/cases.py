"""Test cases of a chain, read from the folder `tests/`: inputs, gold values and checks."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from reasoning import toml_io as toml
from reasoning.benchmarks.chains.checks import KEYS, Check, parse_check
from reasoning.chain.chain import Chain
from reasoning.chain.code_loader import CodeLoader
from reasoning.data_files import read_jsonl
from reasoning.errors import InputError, UnknownName, UsageError, nearest
from reasoning.kinds import Text

FOLDER = "tests"
_CASE = {"id": str, "step": str, "input": object, "expected": object, "gold": dict, "check": list, "about": str}

Locate = Callable[[str], str]
"""A function of a case's key, or "" for the case itself, that returns its file and line."""


@dataclass(frozen=True)
class Case:
    """One test case.

    Attributes:
        id: the name of the case in tables.
        where: file and line.
        step: the step that is tested alone; None for the whole chain.
        inputs: the inputs of the chain, or of the step, by name.
        gold: gold values by step.
        checks: the checks of the values.
        about: a short description of the kind of case.
        paths: for inputs that are a path within the chain's folder, the path as the case states it
            and a digest of its content; `inputs` has the path on this machine.
    """

    id: str
    where: str
    step: str | None
    inputs: Mapping[str, Any]
    gold: Mapping[str, Any]
    checks: tuple[Check, ...]
    about: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """A digest of everything that a score depends on. Versions are compared on cases with equal digests."""
        content = [self.step, {**self.inputs, **self.paths}, self.gold, [check.definition for check in self.checks]]
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def read_cases(folder: Path, chain: Chain, code: CodeLoader) -> list[Case]:
    """Return all cases in a chain's folder, in the order of the files' names.

    Args:
        folder: the chain's folder.
        chain: the chain in it.
        code: resolves the functions that checks name.

    Raises:
        InputError: a file cannot be read, a case does not fit the chain, or an id is used twice;
            the message names file and line.
        UsageError: there are no cases.
    """
    files = sorted(path for path in (folder / FOLDER).glob("*") if is_case_file(path))
    cases = [case for path in files for case in read_case_file(path, chain, code)]
    if not cases:
        raise UsageError(f"there are no cases in {folder / FOLDER}: add a .toml file with [[case]], or a .jsonl file")
    counts = Counter(case.id for case in cases)
    for case in cases:
        if counts[case.id] > 1:
            first, second = [other for other in cases if other.id == case.id][:2]
            raise InputError(f"{second.where}: the id {case.id!r} is already used in {first.where}")
    return cases


def is_case_file(path: Path) -> bool:
    """Return True if a file's name is `*.toml` or `*.jsonl` and not hidden."""
    return path.suffix in (".toml", ".jsonl") and not path.name.startswith(".")


def read_case_file(path: Path, chain: Chain, code: CodeLoader) -> list[Case]:
    """Return the cases of one file.

    Args:
        path: the file.
        chain: the chain whose cases they are.
        code: resolves the functions that checks name.

    Raises:
        InputError: the file cannot be read, or a case does not fit the chain; the message names
            file and line.
    """
    reader = _Reader(chain, code)
    return list(reader.toml(path) if path.suffix == ".toml" else reader.lines(path))


class _Reader:
    """A reader of case files for one chain."""

    def __init__(self, chain: Chain, code: CodeLoader) -> None:
        self.chain, self.code = chain, code

    def toml(self, path: Path) -> Iterator[Case]:
        source = toml.TomlFile(path)
        for key in source.values:
            if key not in ("case", "check", "about"):
                near = nearest(key, ("case", "check"))
                raise source.error(f"unknown key {key!r}; " + _hint(near, ("[[case]]", "[[check]]")), "", 0, key)
        common = [
            self._check(table, None, f"{path}:{source.line('check', number)}")
            for number, table in enumerate(_tables(source.values.get("check", []), source, "check"))
        ]
        checks_before = 0
        for number, table in enumerate(_tables(source.values.get("case", []), source, "case")):
            count = len(table.get("check", []))
            locations = [f"{path}:{source.line('case.check', checks_before + index)}" for index in range(count)]
            checks_before += count

            def locate(key: str, number: int = number) -> str:
                return f"{path}:{source.line('case', number, key)}"

            yield self._case(table, locate, path, number, locations, common)

    def lines(self, path: Path) -> Iterator[Case]:
        for number, (line, table) in enumerate(read_jsonl(path)):
            where = f"{path}:{line}"
            locations = [where] * len(table.get("check", []))
            yield self._case(table, partial(_constant, where), path, number, locations, [])

    def _case(
        self,
        table: Mapping[str, Any],
        locate: Locate,
        path: Path,
        number: int,
        locations: list[str],
        common: list[Check],
    ) -> Case:
        where = locate("")
        for key, value in table.items():
            if key not in _CASE:
                raise InputError(f"{locate(key)}: unknown key {key!r} of a case; {_hint(nearest(key, _CASE), _CASE)}")
            if not isinstance(value, _CASE[key]):
                raise InputError(f"{locate(key)}: {key!r} must be {_TYPES[_CASE[key]]}, got {value!r:.60}")
        step = table.get("step")
        if step is not None:
            self._check_step(step, locate("step"))
        if "input" not in table:
            raise InputError(f"{where}: this case has no input")
        gold = self._gold(table, step, locate)
        own = [self._check(check, step, at) for check, at in zip(table.get("check", []), locations, strict=True)]
        for check in own:
            if check.needs_gold and check.on not in gold:
                raise InputError(f"{check.where}: there is no gold value of {check.on!r}: add gold or expected")
        tested = {step} if step is not None else {each.name for each in self.chain.steps}
        shared = [check for check in common if check.on in tested and (check.on in gold or not check.needs_gold)]
        checks = [*own, *shared]
        unchecked = [name for name in gold if name in tested and not any(check.on == name for check in checks)]
        checks += [Check(name, {"equals": gold[name]}, where) for name in unchecked]
        inputs, paths = self._inputs(table["input"], step, locate("input"), path.parent.parent)
        name = table.get("id", f"{path.stem}-{number + 1}")
        return Case(name, where, step, inputs, gold, tuple(checks), table.get("about", ""), paths)

    def _gold(self, table: Mapping[str, Any], step: str | None, locate: Locate) -> dict[str, Any]:
        gold = dict(table.get("gold", {}))
        if "expected" in table:
            gold[step or self.chain.steps[-1].name] = table["expected"]
        for name in gold:
            self._check_step(name, locate("gold"))
        where = locate("expected" if "expected" in table else "gold")
        return {name: self._value(name, value, where) for name, value in gold.items()}

    def _check(self, table: Any, step: str | None, where: str) -> Check:
        if not isinstance(table, dict):
            raise InputError(f'{where}: a check must be a table such as {{contains = "refund"}}, got {table!r:.60}')
        for key in table:
            if key not in KEYS:
                raise InputError(f"{where}: unknown key {key!r} of a check; {_hint(nearest(key, KEYS), KEYS)}")
        on = table.get("on", step or self.chain.steps[-1].name)
        self._check_step(on, where)
        if step is not None and on != step:
            raise InputError(f"{where}: this case tests only the step {step!r}, so it cannot check {on!r}")
        try:
            return parse_check(on, table, where, self.code)
        except UsageError as error:
            raise InputError(f"{where}: {error}") from None

    def _check_step(self, name: Any, where: str) -> None:
        try:
            self.chain.step(name)
        except UnknownName as error:
            raise InputError(f"{where}: {error}") from None
        except (TypeError, AttributeError):
            raise InputError(f"{where}: the name of a step must be a text, got {name!r:.60}") from None

    def _inputs(self, values: Any, step: str | None, where: str, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the inputs by name, and `Case.paths`. A bare value is the value of the only input."""
        needed = sorted(self.chain.input_names if step is None else self.chain.step(step).dependencies)
        known = set(needed) if step is None else self.chain.input_names | self.chain.ancestors[step]
        if not isinstance(values, dict) or (len(needed) == 1 and not values.keys() & known):
            if len(needed) != 1:
                raise InputError(f"{where}: the input must be a table with {', '.join(needed) or 'nothing in it'}")
            values = {needed[0]: values}
        if missing := [name for name in needed if name not in values]:
            raise InputError(f"{where}: the input {missing[0]!r} is missing; found: {', '.join(values) or 'nothing'}")
        for name in sorted(values.keys() - known):
            if name in _CASE:
                raise InputError(f"{where}: {name!r} is among the inputs: move it above [case.input]")
            raise InputError(f"{where}: nothing reads the input {name!r}; {_hint(nearest(name, known), known)}")
        paths: dict[str, str] = {}
        for name, value in values.items():
            if isinstance(self.chain.kind_of(name), Text) and isinstance(value, dict) and value.keys() == {"path"}:
                path = folder / str(value["path"])
                if not path.exists():
                    raise InputError(f"{where}: {name!r}: {path} does not exist")
                values = {**values, name: str(path.resolve())}
                paths[name] = f"{value['path']} {_digest(path)}"
        return {name: self._value(name, value, where) for name, value in values.items()}, paths

    def _value(self, name: str, value: Any, where: str) -> Any:
        """Convert a value of the file to the kind of the input or step with this name."""
        kind = self.chain.kind_of(name)
        assert kind is not None
        try:
            return kind.target(value)
        except (UsageError, TypeError, ValueError) as error:
            raise InputError(f"{where}: {name!r}: {error}") from None


_TYPES: Mapping[object, str] = {str: "a text", dict: "a table", list: "a list"}


def _digest(root: Path) -> str:
    """Return a digest of a file, or of all files in a folder."""
    digest = hashlib.sha256()
    for path in sorted([root, *root.rglob("*")]):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(root).as_posix()}\0{content}\0".encode())
    return digest.hexdigest()[:16]


def _tables(value: Any, source: toml.TomlFile, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise source.error(f"{name}s must be tables: [[{name}]]", "", 0, name)
    return value


def _hint(near: str | None, known: Iterable[str]) -> str:
    return f"did you mean {near!r}?" if near else f"known: {', '.join(sorted(known))}"


def _constant(where: str, key: str) -> str:
    return where
