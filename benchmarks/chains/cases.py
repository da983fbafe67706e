"""Cases: what goes into a step or a chain, what is right, and what is checked. Read from the folder `tests/`."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from reasoning.benchmarks.chains.checks import KEYS, Check, parse_check
from reasoning.chain import toml_io as toml
from reasoning.chain.chain import Chain
from reasoning.chain.code_loader import Code
from reasoning.errors import InputError, UnknownName, UsageError, nearest
from reasoning.files import read_jsonl
from reasoning.kinds import Text

FOLDER = "tests"
_CASE = {"id": str, "step": str, "input": object, "expected": object, "gold": dict, "check": list, "about": str}

Place = Callable[[str], str]
"""From a key of a case to where it stands, file and line; "" for the case itself."""


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        id: what tables call it.
        where: file and line.
        step: the step that is tested alone; None for the whole chain.
        given: what goes in, by name: the chain's inputs, or what the step reads.
        gold: right values by step.
        checks: what the values must be.
        about: what kind of case it is, in a few words.
        places: of an input that is a path within the chain's folder, what the case says of it, with a digest of what
            lies there; `given` has where it is on this machine.
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
        """Of all that a result depends on: results of two versions are compared where it is the same."""
        what = [self.step, {**self.inputs, **self.paths}, self.gold, [check.definition for check in self.checks]]
        return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:16]


def read_cases(folder: Path, chain: Chain, code: Code) -> list[Case]:
    """All cases in a chain's folder, in the order of the files' names.

    Args:
        folder: the chain's.
        chain: what it holds.
        code: where the functions are looked up that checks name.

    Raises:
        InputError: a file that cannot be read, or a case that does not fit the chain; names file and line.
        UsageError: there are none.
    """
    files = sorted(path for path in (folder / FOLDER).glob("*") if is_case_file(path))
    found = [case for path in files for case in read_case_file(path, chain, code)]
    if not found:
        raise UsageError(f"there are no cases in {folder / FOLDER}: a .toml file with [[case]], or a .jsonl file")
    counts = Counter(case.id for case in found)
    for case in found:
        if counts[case.id] > 1:
            first = next(one for one in found if one.id == case.id)
            other = next(one for one in found if one.id == case.id and one is not first)
            raise InputError(f"{other.where}: a second case is called {case.id!r}; the first stands in {first.where}")
    return found


def is_case_file(path: Path) -> bool:
    """Whether a file by its name may hold cases."""
    return path.suffix in (".toml", ".jsonl") and not path.name.startswith(".")


def read_case_file(path: Path, chain: Chain, code: Code) -> list[Case]:
    """The cases of one file.

    Raises:
        InputError: names file and line.
    """
    reader = _Reader(chain, code)
    return list(reader.toml(path) if path.suffix == ".toml" else reader.lines(path))


class _Reader:
    def __init__(self, chain: Chain, code: Code) -> None:
        self.chain, self.code = chain, code

    def toml(self, path: Path) -> Iterator[Case]:
        source = toml.Source(path)
        for key in source.values:
            if key not in ("case", "check", "about"):
                near = nearest(key, ("case", "check"))
                raise source.wrong(f"unknown key {key!r}; " + _hint(near, ("[[case]]", "[[check]]")), "", 0, key)
        common = []
        for number, table in enumerate(_tables(source.values.get("check", []), source, "check")):
            common.append(self._check(table, None, f"{path}:{source.line('check', number)}"))
        nth = 0
        for number, table in enumerate(_tables(source.values.get("case", []), source, "case")):
            own = table.get("check", [])
            places = [f"{path}:{source.line('case.check', nth + place)}" for place in range(len(own))]
            nth += len(own)

            def place(key: str, number: int = number) -> str:
                return f"{path}:{source.line('case', number, key)}"

            yield self._case(table, place, path, number, places, common)

    def lines(self, path: Path) -> Iterator[Case]:
        for number, (line, table) in enumerate(read_jsonl(path)):
            where = f"{path}:{line}"
            own = table.get("check", [])
            yield self._case(table, partial(_same, where), path, number, [where] * len(own), [])

    def _case(
        self, table: Mapping[str, Any], place: Place, path: Path, number: int, places: list[str], common: list[Check]
    ) -> Case:
        where = place("")
        for key, value in table.items():
            if key not in _CASE:
                raise InputError(f"{place(key)}: unknown key {key!r} of a case; {_hint(nearest(key, _CASE), _CASE)}")
            if not isinstance(value, _CASE[key]):
                raise InputError(f"{place(key)}: {key!r} cannot be {value!r:.60}")
        step = table.get("step")
        if step is not None:
            self._step(step, place("step"))
        if "input" not in table:
            raise InputError(f"{where}: this case has no input")
        gold = dict(table.get("gold", {}))
        if "expected" in table:
            gold[step or self.chain.steps[-1].name] = table["expected"]
        for name in gold:
            self._step(name, place("gold"))
        expected = place("expected" if "expected" in table else "gold")
        gold = {name: self._value(name, value, expected) for name, value in gold.items()}
        own = [self._check(one, step, at) for one, at in zip(table.get("check", []), places, strict=True)]
        on = {step} if step is not None else {one.name for one in self.chain.steps}
        shared = [one for one in common if one.on in on and (one.on in gold or not one.needs_gold)]
        for check in own:
            if check.needs_gold and check.on not in gold:
                raise InputError(
                    f"{check.where}: there is no right value of {check.on!r} to compare with: gold, expected"
                )
        checks = [*own, *shared]
        plain = [name for name in gold if name in on and not any(one.on == name for one in checks)]
        checks += [Check(name, {"equals": gold[name]}, where) for name in plain]
        given, places_of = self._given(table["input"], step, place("input"), path.parent.parent)
        name = table.get("id", f"{path.stem}-{number + 1}")
        return Case(
            name,
            where,
            step,
            given,
            gold,
            tuple(checks),
            table.get("about", ""),
            places_of,
        )

    def _check(self, table: Any, step: str | None, where: str) -> Check:
        if not isinstance(table, dict):
            raise InputError(f'{where}: a check is a table such as {{contains = "refund"}}, not {table!r:.60}')
        for key in table:
            if key not in KEYS:
                raise InputError(f"{where}: unknown key {key!r} of a check; {_hint(nearest(key, KEYS), KEYS)}")
        on = table.get("on", step or self.chain.steps[-1].name)
        self._step(on, where)
        if step is not None and on != step:
            raise InputError(f"{where}: this case tests the step {step!r} alone, so nothing is known of {on!r}")
        try:
            return parse_check(on, table, where, self.code)
        except UsageError as error:
            raise InputError(f"{where}: {error}") from None

    def _step(self, name: Any, where: str) -> None:
        try:
            self.chain.step(name)
        except UnknownName as error:
            raise InputError(f"{where}: {error}") from None
        except (TypeError, AttributeError):
            raise InputError(f"{where}: a step is named by a text, not by {name!r:.60}") from None

    def _given(self, given: Any, step: str | None, where: str, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
        """The input by name, and what `Case.places` has; a bare value is the only thing that is read."""
        needed = sorted(self.chain.inputs if step is None else self.chain.step(step).needs)
        known = set(needed) if step is None else self.chain.inputs | self.chain.ancestors[step]
        if not isinstance(given, dict) or (len(needed) == 1 and not given.keys() & known):
            if len(needed) != 1:
                raise InputError(f"{where}: the input is a table with {', '.join(needed) or 'nothing in it'}")
            given = {needed[0]: given}
        if missing := [name for name in needed if name not in given]:
            raise InputError(f"{where}: the input has no {missing[0]!r}; there is {', '.join(given) or 'nothing'}")
        for name in sorted(given.keys() - known):
            if name in _CASE:
                raise InputError(f"{where}: {name!r} stands among the inputs: write it above [case.input]")
            raise InputError(f"{where}: the input {name!r} is read by nothing; {_hint(nearest(name, known), known)}")
        places: dict[str, str] = {}
        for name, value in given.items():
            if isinstance(self.chain.kind_of(name), Text) and isinstance(value, dict) and value.keys() == {"path"}:
                place = folder / str(value["path"])
                if not place.exists():
                    raise InputError(f"{where}: {name!r}: there is no {place}")
                given = {**given, name: str(place.resolve())}
                places[name] = f"{value['path']} {_content(place)}"
        return {name: self._value(name, value, where) for name, value in given.items()}, places

    def _value(self, name: str, value: Any, where: str) -> Any:
        """A value as the kind of its name has it."""
        kind = self.chain.kind_of(name)
        try:
            return kind.target(value)  # type: ignore[union-attr]
        except (UsageError, TypeError, ValueError) as error:
            raise InputError(f"{where}: {name!r}: {error}") from None


def _content(place: Path) -> str:
    """A digest of a file, or of all files below a folder."""
    found = hashlib.sha256()
    for path in sorted([place, *place.rglob("*")]):
        if path.is_file():
            found.update(
                f"{path.relative_to(place).as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode()
            )
    return found.hexdigest()[:16]


def _tables(given: Any, source: toml.Source, name: str) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise source.wrong(f"{name}s are tables: [[{name}]]", "", 0, name)
    return given


def _hint(near: str | None, known: Any) -> str:
    return f"did you mean {near!r}?" if near else f"there are {', '.join(sorted(known))}"


def _same(where: str, key: str) -> str:
    return where
