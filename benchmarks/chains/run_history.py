"""Runs that are kept: each version of a chain that was tried, with what came of it, one small file a model.

They lie in the chain's folder under `.runs`, those of a shipped chain with the user's data. A version is a number for
each content of the folder, without the cases, in the order in which they were first run; the file holds the content.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reasoning import paths as folders
from reasoning.benchmarks.chains.cases import FOLDER
from reasoning.benchmarks.chains.runner import PartScore
from reasoning.chain import toml_io
from reasoning.chain.scaffold import shipped
from reasoning.errors import InputError
from reasoning.files import atomic_write

PLACE = ".runs"
_KEPT = (".toml", ".md", ".py")


@dataclass(frozen=True)
class RecordedRun:
    """What one version of a chain did with one model.

    Attributes:
        chain: the folder's name.
        version: its number among those that were run.
        digest: of its content.
        model, sampling: what answered, and the settings of the calls that gave none.
        files: the content, by file.
        when: of the last run, in ISO 8601, UTC.
        outcomes: by case and part.
    """

    chain: str
    version: int
    digest: str
    model: str
    sampling: Mapping[str, Any]
    files: Mapping[str, str]
    when: str = ""
    scores: Mapping[tuple[str, str], PartScore] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As the command line names it: "telecom_feedback@3"."""
        return f"{self.chain}@{self.version}"

    def with_scores(self, found: Iterable[PartScore]) -> RecordedRun:
        """With these too; one of an earlier run of the same case and part is replaced, unless the new one failed."""
        known = dict(self.scores)
        for one in found:
            key = (one.case, one.part)
            before = known.get(key)
            if one.score is not None or before is None or before.digest != one.digest:
                known[key] = one
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return replace(self, scores=known, when=now)


def read_content(folder: Path) -> dict[str, str]:
    """What a chain is: its TOML, prompts and code, by file; not its cases."""
    paths = (path for path in sorted(folder.rglob("*")) if path.suffix in _KEPT and path.is_file())
    inside = {path.relative_to(folder): path for path in paths}
    return {
        str(short.as_posix()): toml_io.read_text(path)
        for short, path in inside.items()
        if short.parts[0] != FOLDER and not any(part.startswith((".", "__")) for part in short.parts)
    }


def digest(files: Mapping[str, str]) -> str:
    """Of a content; what a chain is called is no part of it."""
    named = {
        name: re.sub(r'(?m)^name = "[^"\n]*"', "", text, count=1) if name == "chain.toml" else text
        for name, text in files.items()
    }
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]


def runs_folder(folder: Path) -> Path:
    """Where the runs of a chain lie."""
    folder = folder.resolve()
    if folder in [path.resolve() for path in shipped().values()]:
        return folders.data_dir() / "chains" / folder.name
    return folder / PLACE


def recorded_runs(folder: Path) -> list[RecordedRun]:
    """All that are kept of a chain, by version and model.

    Raises:
        InputError: a damaged file.
    """
    return [_read(path) for path in sorted(runs_folder(folder).glob("*.json"))]


def set_params(sampling: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of calls as a run has them: those that are set."""
    return {name: value for name, value in sampling.items() if value is not None}


def current_run(folder: Path, model: str, sampling: Mapping[str, Any]) -> RecordedRun:
    """The run of what the folder holds now: the kept one, or an empty one with the version's number."""
    files, kept = read_content(folder), recorded_runs(folder)
    now = digest(files)
    given = set_params(sampling)
    for run in kept:
        if (run.digest, run.model, run.sampling) == (now, model, given):
            return run
    known = next((run.version for run in kept if run.digest == now), None)
    version = known or max((run.version for run in kept), default=0) + 1
    return RecordedRun(folder.resolve().name, version, now, model, given, files)


def save_run(run: RecordedRun, folder: Path) -> Path:
    """Write a run, in whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    called = hashlib.sha256(json.dumps([run.model, run.sampling], sort_keys=True).encode()).hexdigest()[:6]
    model = re.sub(r"[^\w.-]+", "-", run.model)[-40:]
    path = runs_folder(folder) / f"{run.version:04d}-{model}-{called}.json"
    data = {**asdict(replace(run, scores={})), "scores": [asdict(one) for one in run.scores.values()]}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    atomic_write(path, json.dumps(data, ensure_ascii=False, indent=1, default=str))
    return path


def _read(path: Path) -> RecordedRun:
    try:
        data = json.loads(toml_io.read_text(path))
        outcomes = [
            PartScore(**{**one, "reasons": tuple(one["reasons"]), "judge_agreed": tuple(one["judge_agreed"])})
            for one in data["scores"]
        ]
        return RecordedRun(**{**data, "scores": {(one.case, one.part): one for one in outcomes}})
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: this is no run of a chain ({error}); delete it, the journal has its draws") from None
