"""The merging of shards into the results folder that one process would have made, row for row.

The files are made anew from those of the shards at every merge, so a merge may be repeated after a late shard. The
rows of the JSON lines stand in the order of the shards, and the problems in the order of the task.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.results.fitted import copy_fits
from reasoning.benchmarks.results.folder import DRAWS, SHARDS, SPENDING, ResultsFolder
from reasoning.benchmarks.results.folder_lock import is_locked
from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.benchmarks.results.settings import find_differences
from reasoning.benchmarks.shards.division import FIT, Shard
from reasoning.benchmarks.shards.heartbeat import running_on
from reasoning.benchmarks.shards.merged_files import concatenate, interleave, merge_corpora, merge_spending
from reasoning.errors import InputError, SettingsChanged, UsageError
from reasoning.files import atomic_path
from reasoning.journal.draw_log import make_journal
from reasoning.tables import pluralize

_MOST_NAMED = 8
"""The most shards or problems that a sentence names."""


@dataclass(frozen=True)
class Merge:
    """The outcome of a merge.

    Attributes:
        folder: the merged results folder.
        count: the number of shards of the run.
        missing: the shards without a folder.
        unfinished: the shards without some results, each with their number.
        problems: problems without some results, or not begun, of the shards that are present.
        running: the shards that a process was filling.
        shared: the number of draws that several shards have bought: of requests without a part of the problem.
        lost: files of draws and of spending that shards with calls lack.
        comparison: the comparison of the merged results; None without a result.
    """

    folder: Path
    count: int
    missing: tuple[Shard, ...]
    unfinished: Mapping[Shard, int]
    problems: tuple[str, ...]
    running: tuple[Shard, ...]
    shared: int
    lost: tuple[Path, ...]
    comparison: Comparison | None = field(repr=False)

    @property
    def is_complete(self) -> bool:
        """Return whether every shard has all its results."""
        return not (self.missing or self.unfinished)

    def __str__(self) -> str:
        """Return what was merged and what is missing, for display."""
        lines = [f"{self.count - len(self.missing)} of {pluralize(self.count, 'shard')} merged"]
        if self.missing:
            lines.append(f"missing shards: {_names(self.missing)}")
        if self.running:
            lines.append(f"still running: {_names(self.running)}")
        if self.unfinished:
            unfinished = [f"{shard} ({pluralize(results, 'result')})" for shard, results in self.unfinished.items()]
            lines.append(f"unfinished shards: {_names(unfinished)}")
        if self.problems:
            lines.append(f"problems without all results: {_names(self.problems)}")
        if not self.is_complete:
            lines.append("the commands of these shards continue them, and then this command merges them")
        if self.shared:
            lines.append(
                f"{pluralize(self.shared, 'draw')} of requests that are the same for several problems were bought by "
                "more than one shard; the journal keeps those of the first"
            )
        if self.lost:
            lines.append(f"missing files: {_names(self.lost)}; the merged journal and spending are without them")
        return "\n".join(lines)


def merge_shards(folder: str | Path, *, into: str | Path | None = None, partial: bool = False) -> Merge:
    """Merge the shards of a run into the results folder that one process would have made.

    Args:
        folder: the folder of the run, in which the shards have made their own.
        into: the folder for the merged results; None for the folder of the run itself.
        partial: merge also while shards are running: what they have stored so far.

    Returns:
        What was merged, and what is missing. After a late shard, merge again.

    Raises:
        InputError: there are no shards, or one is damaged or still running.
        SettingsChanged: shards were made with different settings; names them.
        UsageError: the merged folder holds other results.
    """
    folder = Path(folder)
    target = folder if into is None else Path(into)
    count, shards = find_shards(folder)
    running = tuple(shard for shard, path in shards.items() if running_on(path))
    if running and not partial:
        owner = running_on(shards[running[0]])
        raise InputError(
            f"{folder}: the shard {running[0]} is still running ({owner}): wait until it has ended, or merge what it "
            "has stored so far with --partial"
        )
    if not partial and is_locked(run_lock(folder)):
        raise InputError(
            f"{folder}: a run on a Ray cluster is filling this folder: wait until it has ended, or merge what it has "
            "stored so far with --partial"
        )
    stores = {shard: ResultsFolder.read_run_file(path) for shard, path in shards.items()}
    _check_same(stores)
    first = next(iter(stores.values()))
    fit = folder / SHARDS / FIT
    sources = [*([fit] if (fit / "run.json").is_file() else []), *shards.values()]
    _check_target(target)
    metadata = _metadata(list(stores.values()))
    specs = list(dict.fromkeys(spec for store in stores.values() for spec in store.specs))
    # A merge that is interrupted leaves an empty record, and may be repeated.
    merged = ResultsFolder.begin(target, first.settings, {**metadata, "merged": {}}, specs)
    try:
        interleave([path / "problems.jsonl" for path in shards.values()], target / "problems.jsonl")
        for name in ("results.jsonl", "traces.jsonl"):
            concatenate([path / name for path in shards.values()], target / name)
        merge_corpora([path / "corpora.jsonl" for path in shards.values()], target / "corpora.jsonl")
        merge_spending([path / SPENDING for path in sources], target / SPENDING)
        shared = _merge_draws([path / DRAWS for path in sources], target / "journal.sqlite")
        for path in sources:
            copy_fits(path, merged)
        size = (target / "results.jsonl").stat().st_size
        merged.update_metadata(merged={"shards": count, "present": len(shards), "results_bytes": size})
    finally:
        merged.close()
    try:
        store = ResultsFolder.read(target)
    except InputError:
        # The file to repair is that of a shard.
        for path in shards.values():
            ResultsFolder.read(path)
        raise
    comparison = Comparison.from_folder(store) if store.results else None
    if comparison is not None:
        comparison.save(store)
    unfinished, problems = _find_unfinished(store, shards, first)
    missing = tuple(shard for shard in (Shard(count, index) for index in range(count)) if shard not in shards)
    return Merge(target, count, missing, unfinished, problems, running, shared, _find_lost(shards), comparison)


def run_lock(folder: Path) -> Path:
    """Return the file that a run on a Ray cluster locks."""
    return folder / SHARDS / "lock"


def find_shards(folder: Path) -> tuple[int, dict[Shard, Path]]:
    """Return the number of shards of a run, and the folders of those that have begun, in order.

    Raises:
        InputError: no shard has begun, or they are of two divisions.
    """
    try:
        found = {shard: path for path in (folder / SHARDS).iterdir() if (shard := Shard.of_folder(path))}
    except OSError:
        found = {}
    begun = {shard: path for shard, path in sorted(found.items()) if (path / "run.json").is_file()}
    if not begun:
        raise InputError(f"{folder}: holds no shards of a run; `reasoning bench run --shard I/N --out DIR` makes them")
    counts = sorted({shard.count for shard in begun})
    if len(counts) > 1:
        raise InputError(
            f"{folder / SHARDS}: holds shards of different divisions, of {counts[0]} and of {counts[1]}: remove those "
            "of one of them, or give each division its own --out"
        )
    return counts[0], begun


def _check_same(stores: Mapping[Shard, ResultsFolder]) -> None:
    """Raise SettingsChanged if shards were made with different settings."""
    (first, reference), *others = stores.items()
    for shard, store in others:
        different = find_differences(reference.settings, store.settings)
        if different:
            hint = ""
            if different.keys() == {"base_url"}:
                hint = " (servers on several machines must have the same address, such as http://localhost:8000/v1)"
            raise SettingsChanged(
                f"the shards {first} and {shard} were made with different settings: {'; '.join(different.values())}"
                f"{hint}. Remove the folder of one of them, and run it again with the settings of the other"
            )


def _check_target(target: Path) -> None:
    """Raise UsageError if a folder holds results that no merge has made, which would be lost."""
    if not (target / "run.json").is_file():
        return
    record = ResultsFolder.read_run_file(target).metadata.get("merged")
    size = (target / "results.jsonl").stat().st_size if (target / "results.jsonl").is_file() else 0
    if record is None or record.get("results_bytes", size) != size:
        what = "results that are not from shards" if record is None else "results that were made after the last merge"
        raise UsageError(f"{target}: holds {what}, which a merge would replace; give another folder with --into DIR")


def _metadata(stores: Sequence[ResultsFolder]) -> dict[str, Any]:
    """Return the metadata of the merged folder: the first shard's, with what others add."""
    merged = {**stores[0].metadata, "created": min(str(store.metadata.get("created", "")) for store in stores)}
    for name in ("invocations", "refused_settings", "left_out"):
        values = [value for store in stores for value in store.metadata.get(name, ())]
        if values:
            merged[name] = [value for index, value in enumerate(values) if value not in values[:index]]
    for name in ("completed_within", "fitted"):
        # A limit of time stops each shard at another problem; the fits are copied with their files.
        merged.pop(name, None)
    return merged


def _merge_draws(logs: Sequence[Path], journal: Path) -> int:
    """Make the journal of the merged folder, and return the number of draws that several shards have bought.

    It is made on a local disk: SQLite writes ahead into a file that must not be on a network file system.
    """
    with tempfile.TemporaryDirectory(prefix="reasoning-merge-") as local:
        made = Path(local, "journal.sqlite")
        twice = make_journal(made, logs)
        if made.is_file():
            # Closing it has copied what was written ahead into the file.
            with atomic_path(journal) as new:
                shutil.copyfile(made, new)
    return twice


def _find_lost(shards: Mapping[Shard, Path]) -> tuple[Path, ...]:
    """Return the files of draws and of spending that shards with calls lack."""

    def has_calls(shard: Path) -> bool:
        return any(row.get("spent", {}).get("calls") for row in JsonlFile(shard / "results.jsonl").read())

    # Without a journal, no shard has draws.
    names = (SPENDING, DRAWS) if any((path / DRAWS).is_file() for path in shards.values()) else (SPENDING,)
    return tuple(
        path / name for path in filter(has_calls, shards.values()) for name in names if not (path / name).is_file()
    )


def _find_unfinished(
    merged: ResultsFolder, shards: Mapping[Shard, Path], first: ResultsFolder
) -> tuple[dict[Shard, int], tuple[str, ...]]:
    """Return the number of results that each shard has yet to make, and the problems that lack some."""
    invocations = first.metadata.get("invocations", [{}])
    epochs = max([int(one.get("epochs", 1)) for one in invocations], default=1)
    specs = merged.specs
    results = merged.results.rows()
    done = set(results.where(~results.failed).iter_keys())
    ids = {
        shard: [str(record["id"]) for record in JsonlFile(path / "problems.jsonl").read()]
        for shard, path in shards.items()
    }
    most = max((len(own) for own in ids.values()), default=0)
    last = max((shard.index for shard, own in ids.items() if len(own) == most), default=0)
    unfinished, problems = dict[Shard, int](), list[str]()
    for shard, own in ids.items():
        # The problems of a run are dealt out in turn, so that shards differ by at most one, and the first have more.
        expected = most if shard.index <= last else max(len(own), most - 1)
        missing = (expected - len(own)) * len(specs) * epochs
        for name in own:
            made = sum((name, spec, epoch) in done for spec in specs for epoch in range(epochs))
            if made < len(specs) * epochs:
                missing += len(specs) * epochs - made
                problems.append(name)
        if missing:
            unfinished[shard] = missing
    return unfinished, tuple(problems)


def _names(items: Sequence[object]) -> str:
    named = ", ".join(map(str, items[:_MOST_NAMED]))
    return named + (f" and {len(items) - _MOST_NAMED:,} more" if len(items) > _MOST_NAMED else "")
