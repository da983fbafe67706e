"""Recorded runs of a chain, with their scores: one small file for each version and model.

The files are in the folder `.runs` of the chain, or in the user's data folder for a bundled chain.
A version is one content of the chain's folder, without the cases; versions are numbered in the order
of their first runs. A file also holds the content.
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
from reasoning import toml_io
from reasoning.benchmarks.chains.cases import FOLDER
from reasoning.benchmarks.chains.runner import PartScore
from reasoning.errors import InputError
from reasoning.files import atomic_write
from reasoning.registry import bundled_chains
from reasoning.text_safety import dump_json

PLACE = ".runs"
_KEPT = (".toml", ".md", ".py")


@dataclass(frozen=True)
class RecordedRun:
    """The scores of one version of a chain with one model.

    Attributes:
        chain: the folder's name.
        version: the version number.
        digest: the digest of the content.
        model: the model's name.
        sampling: the default sampling parameters of the calls.
        files: the content, by file.
        when: the time of the last run, in UTC and ISO 8601.
        scores: the scores by case and part.
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
        """The name on the command line, such as "telecom_feedback@3"."""
        return f"{self.chain}@{self.version}"

    def with_scores(self, scores: Iterable[PartScore]) -> RecordedRun:
        """Return the run with these scores added.

        A score replaces an earlier one of the same case and part, unless the new call failed.
        """
        known = dict(self.scores)
        for score in scores:
            key = (score.case, score.part)
            before = known.get(key)
            if score.score is not None or before is None or before.digest != score.digest:
                known[key] = score
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return replace(self, scores=known, when=now)


def read_content(folder: Path) -> dict[str, str]:
    """Return the content of a chain by file: its TOML, prompts and code, without its cases."""
    paths = (path for path in sorted(folder.rglob("*")) if path.suffix in _KEPT and path.is_file())
    inside = {path.relative_to(folder): path for path in paths}
    return {
        str(short.as_posix()): toml_io.read_text(path)
        for short, path in inside.items()
        if short.parts[0] != FOLDER and not any(part.startswith((".", "__")) for part in short.parts)
    }


def digest(files: Mapping[str, str]) -> str:
    """Return the digest of a content. The chain's name is not part of it."""
    named = {
        name: re.sub(r'(?m)^name = "[^"\n]*"', "", text, count=1) if name == "chain.toml" else text
        for name, text in files.items()
    }
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]


def runs_folder(folder: Path) -> Path:
    """Return the folder of a chain's recorded runs."""
    folder = folder.resolve()
    if folder in [path.resolve() for path in bundled_chains().values()]:
        return folders.data_dir() / "chains" / folder.name
    return folder / PLACE


def recorded_runs(folder: Path) -> list[RecordedRun]:
    """Return all recorded runs of a chain, by version and model.

    Raises:
        InputError: a file is damaged.
    """
    return [read_run(path) for path in sorted(runs_folder(folder).glob("*.json"))]


def set_params(sampling: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sampling parameters that are set."""
    return {name: value for name, value in sampling.items() if value is not None}


def current_run(folder: Path, model: str, sampling: Mapping[str, Any]) -> RecordedRun:
    """Return the run of the folder's current content: the recorded one, or a new one without scores.

    Args:
        folder: the chain's folder.
        model: the model's name.
        sampling: the default sampling parameters of the calls.
    """
    files, recorded = read_content(folder), recorded_runs(folder)
    files_digest, params = digest(files), set_params(sampling)
    for run in recorded:
        if (run.digest, run.model, run.sampling) == (files_digest, model, params):
            return run
    known = next((run.version for run in recorded if run.digest == files_digest), None)
    version = known or max((run.version for run in recorded), default=0) + 1
    return RecordedRun(folder.resolve().name, version, files_digest, model, params, files)


def save_run(run: RecordedRun, folder: Path) -> Path:
    """Write a run to a file atomically, and return the path.

    Raises:
        InputError: the file cannot be written.
    """
    settings = hashlib.sha256(json.dumps([run.model, run.sampling], sort_keys=True).encode()).hexdigest()[:6]
    model = re.sub(r"[^\w.-]+", "-", run.model)[-40:]
    path = runs_folder(folder) / f"{run.version:04d}-{model}-{settings}.json"
    data = {**asdict(replace(run, scores={})), "scores": [asdict(score) for score in run.scores.values()]}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    atomic_write(path, dump_json(data, indent=1, default=str))
    return path


def read_run(path: Path) -> RecordedRun:
    """Return the recorded run in a file.

    Raises:
        InputError: the file is damaged.
    """
    try:
        data = json.loads(toml_io.read_text(path))
        scores = [
            PartScore(**{**row, "reasons": tuple(row["reasons"]), "judge_agreed": tuple(row["judge_agreed"])})
            for row in data["scores"]
        ]
        return RecordedRun(**{**data, "scores": {(score.case, score.part): score for score in scores}})
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path}: not a recorded run of a chain ({error}); delete it, its draws are in the journal"
        ) from None
