"""The files of a results folder in which strategies keep what they have learned, and the record of their cost.

    fitted/auto_cot.toml    the demonstrations that auto_cot has made; `demonstrations=` takes the file
    fitted/pool-….jsonl     the examples that it learned from

People may edit a file: the run continues with what it says, and makes the results anew.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from reasoning import event_loop
from reasoning.benchmarks.results import example_json
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.errors import InputError, UsageError
from reasoning.files import atomic_write
from reasoning.messages import Usage
from reasoning.problem import Example
from reasoning.strategies.demonstrations.example_files import write_examples
from reasoning.strategies.demonstrations.worked_example import read_examples
from reasoning.strategy import Strategy, fit_needed
from reasoning.text_safety import dump_json, to_line

FOLDER = "fitted"
"""The folder of these files within a results folder."""
_USAGE = ("calls", "prompt_tokens", "completion_tokens", "usd", "seconds")


@dataclass(frozen=True)
class Fitted:
    """The record of one strategy that has learned in a run.

    Attributes:
        learner: its spec before it learned.
        strategies: the specs of the run's strategies that it is, or is part of.
        file: the file with what it has learned, relative to the results folder; "" in memory.
        sha256: the digest of that file as the fit wrote it.
        pool: the pool of examples, for display.
        pool_file: the file with the examples of the pool, relative to the results folder.
        asked_for: the task and size of the pool that the user asked for; None for the default.
        usage: the usage of all draws of the fit, including those from the journal.
        note: the last note of the fit, such as the source of the annotations; "" without one.
    """

    learner: str
    strategies: tuple[str, ...]
    file: str
    sha256: str
    pool: str
    pool_file: str
    asked_for: tuple[str | None, int | None]
    usage: Usage
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data; `from_json` reads it back."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**values, "usage": {name: getattr(self.usage, name) for name in _USAGE}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fitted:
        """Return the record of `to_json`.

        Raises:
            KeyError, TypeError: a field is missing or has another type.
        """
        values = {field.name: data[field.name] for field in fields(cls)}
        wanted, size = values["asked_for"]
        usage = Usage(**{name: values["usage"][name] for name in _USAGE})
        return cls(**{**values, "strategies": tuple(values["strategies"]), "asked_for": (wanted, size), "usage": usage})


def fitted_records(store: ResultsFolder) -> list[Fitted]:
    """Return the records of a run, in the order of the fits.

    Raises:
        InputError: a record is damaged.
    """
    try:
        return [Fitted.from_json(record) for record in store.metadata.get("fitted", ())]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{(store.folder or Path()) / 'run.json'}: damaged record of a fit: {error!r}") from None


def store_record(store: ResultsFolder, record: Fitted) -> None:
    """Store the record of a fit in place of that learner's earlier one."""
    others = [one for one in fitted_records(store) if one.learner != record.learner]
    store.update_metadata(fitted=[one.to_json() for one in (*others, record)])


def copy_fits(source: Path, store: ResultsFolder) -> None:
    """Copy what strategies have learned in another results folder, if that exists, in place of earlier copies.

    Raises:
        InputError: the other folder is damaged, or a file cannot be written.
    """
    if store.folder is None or not (source / "run.json").is_file():
        return
    other = ResultsFolder.read_run_file(source)
    for record in fitted_records(other):
        for name in filter(None, (record.file, record.pool_file)):
            path, target = _path(other, name), _path(store, name)
            if path is not None and target is not None and path.is_file():
                target.parent.mkdir(exist_ok=True)
                atomic_write(target, path.read_bytes())
        store_record(store, record)


def edited_files(store: ResultsFolder) -> Iterator[str]:
    """Yield the files of the run that were edited after the fit, relative to the results folder."""
    for record in fitted_records(store) if store.folder else ():
        path = _path(store, record.file)
        if path is not None and path.is_file() and _digest(path) != record.sha256:
            yield record.file


def read_learned(store: ResultsFolder, record: Fitted, learner: Strategy) -> Strategy | None:
    """Return a learner with what its file says; None if the file is missing.

    Args:
        store: the results folder.
        record: the record of its fit.
        learner: the strategy before it learned.

    Raises:
        InputError: the file does not hold what the learner takes; names the file.
    """
    path = _path(store, record.file)
    if path is None or not path.is_file():
        return None
    try:
        learned = learner.replace(**_parameters(path))
        if learned.needs_fit:
            raise UsageError(f"{learner.card.name} has not learned enough with it")
        return learned
    except UsageError as error:
        where = "" if str(path) in str(error) else f"{path}: "
        raise InputError(f"{where}{error}; correct the file, or delete it so that the next run fits again") from None


def write_learned(
    store: ResultsFolder, learner: Strategy, fitted: Strategy, comments: Sequence[str]
) -> tuple[str, str]:
    """Write the parameters that a strategy has learned to a file of the results folder.

    Args:
        store: the results folder.
        learner: the strategy before it learned.
        fitted: the strategy that has learned.
        comments: lines for the top of the file.

    Returns:
        The file, relative to the results folder, and its digest; two empty texts in memory.

    Raises:
        UsageError: a parameter cannot be written.
    """
    if store.folder is None:
        return "", ""
    before = dict(learner.parameters())
    changed = {name: value for name, value in fitted.parameters() if value != before[name]}
    name = _free_name(store, repr(learner), learner.card.name)
    path = store.folder / name
    path.parent.mkdir(exist_ok=True)
    if list(changed) == ["demonstrations"]:
        # The file is the same in every folder, so that shards and one process learn the same.
        how = f"Give it back, with the results folder for DIR: {learner.replace(demonstrations=f'DIR/{name}')!r}"
        write_examples(path, changed["demonstrations"], comment="\n".join([*comments, how]))
    else:
        _write_parameters(path, changed, comments)
    return name, _digest(path)


def write_pool(store: ResultsFolder, examples: Iterable[Example]) -> str:
    """Write the examples of a pool, and return the file, relative to the results folder; "" in memory."""
    if store.folder is None:
        return ""
    lines = [dump_json(example_json.to_json(example), compact=True) for example in examples]
    text = "".join(f"{line}\n" for line in lines)
    name = f"{FOLDER}/pool-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}.jsonl"
    (store.folder / FOLDER).mkdir(exist_ok=True)
    atomic_write(store.folder / name, text)
    return name


def read_pool(store: ResultsFolder, record: Fitted) -> list[Example] | None:
    """Return the examples of the pool of a fit; None if the file is missing or damaged."""
    path = _path(store, record.pool_file)
    if path is None or not path.is_file():
        return None
    try:
        return [example_json.from_json(line) for line in JsonlFile(path).read()]
    except (InputError, UsageError, KeyError, TypeError, ValueError):
        return None


def with_learned(store: ResultsFolder, strategy: Strategy) -> Strategy:
    """Return a strategy of a run with what it has learned there; unchanged if it needs no fit.

    Raises:
        UsageError: the folder does not hold what it has learned.
    """
    records = {record.learner: record for record in fitted_records(store)}

    async def read(learner: Strategy) -> Strategy:
        record = records.get(repr(learner))
        found = None if record is None else read_learned(store, record, learner)
        if found is None:
            raise UsageError(f"{store.folder} does not hold what {learner!r} has learned; `bench run` fits it")
        return found

    return event_loop.run_sync(fit_needed(strategy, read), is_short=True) if strategy.needs_fit else strategy


def _parameters(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: must be a TOML file: {error}") from None
    if isinstance(given := data.get("parameters"), dict):
        return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    sets = read_examples(path)
    if len(sets) != 1 or not all(sets.values()):
        raise InputError(f"{path}: must hold one list of worked examples, [[demonstrations]], got {len(sets)}")
    return {"demonstrations": next(iter(sets.values()))}


def _write_parameters(path: Path, changed: Mapping[str, Any], comments: Sequence[str]) -> None:
    import tomlkit

    document, table = tomlkit.document(), tomlkit.table()
    for line in comments:
        document.add(tomlkit.comment(to_line(line)))
    for name, value in changed.items():
        listed = isinstance(value, list | tuple)
        if not all(isinstance(one, str | int | float) for one in (value if listed else [value])):
            raise UsageError(
                f"{path.stem}: a strategy must learn worked examples (demonstrations), texts or numbers, so that a "
                f"file can keep them, got {name}={value!r:.60}"
            )
        table.add(name, list(value) if listed else value)
    document.add("parameters", table)
    atomic_write(path, document.as_string())


def _free_name(store: ResultsFolder, learner: str, name: str) -> str:
    """Return the file of a learner: its earlier one, else one that no other learner of the run has."""
    taken = {record.file: record.learner for record in fitted_records(store)}
    stem, number = re.sub(r"[^\w.-]+", "_", name) or "strategy", 1
    while taken.get(file := f"{FOLDER}/{stem}{f'-{number}' if number > 1 else ''}.toml", learner) != learner:
        number += 1
    return file


def _path(store: ResultsFolder, name: str) -> Path | None:
    """Return the path of a file of a record. One that leads out of the folder is refused: run.json may be edited."""
    if store.folder is None or not name:
        return None
    if not re.fullmatch(rf"{FOLDER}/[\w.-]+", name):
        raise InputError(f"{store.folder / 'run.json'}: a fitted file must be in {FOLDER}/, got {name!r}")
    return store.folder / name


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
