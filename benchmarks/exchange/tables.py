"""Results folders as tables for other tools: Parquet with a row for each result, and a leaderboard as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.paired import PairedDifference
from reasoning.benchmarks.analysis.rows import COLUMNS, to_rows
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.errors import MissingExtra
from reasoning.files import atomic_path, atomic_write
from reasoning.tables import Table
from reasoning.text_safety import replace_surrogates

_BATCH = 20_000
"""The rows of one group of a Parquet file, which bounds the memory."""
LEADERBOARD: Mapping[str, str] = {
    "task": "the name of the task",
    "model": "the name of the model",
    "strategy": "the spec of the strategy",
    "n": "solves that count: answered or unparsed, over all repetitions",
    "correct": "right answers",
    "accuracy": "their share; empty if no solve counts",
    "ci95_low": "the lower end of its 95 % interval",
    "ci95_high": "the upper end",
    "unparsed": "solves without an answer that could be parsed; they count as not right",
    "failed": "solves with a failed call; they do not count",
    "calls": "completions of all solves; empty if they were not recorded",
    "prompt_tokens": "tokens of the prompts; empty if they were not recorded",
    "completion_tokens": "tokens of the completions; empty if they were not recorded",
    "usd": "US dollars; empty if the price is unknown",
    "seconds": "model time; empty if it was not recorded",
    "verdict": "best, worse or similar, against the best strategy of its folder; withheld if missing replies could "
    "decide it; not compared if it has too few answers",
    "p": "the p-value against the best, with Holm's correction over all pairs of the folder",
}
"""The columns of a leaderboard with their meanings."""


def write_parquet(folders: Sequence[Path], path: Path) -> int:
    """Write the results of folders as one Parquet file, with the columns of `reasoning.benchmarks.analysis.rows`.

    Returns:
        The number of rows.

    Raises:
        MissingExtra: pyarrow is not installed.
        InputError: a folder cannot be read, or the file not be written.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("a Parquet file", "bench", f"pyarrow ({error})") from None
    vote = pyarrow.struct([("value", pyarrow.string()), ("count", pyarrow.int64())])
    types = {
        "text": pyarrow.string(),
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "list": pyarrow.list_(vote),
    }
    fields = [pyarrow.field(name, types[kind], metadata={"about": about}) for name, (kind, about) in COLUMNS.items()]
    schema, count = pyarrow.schema(fields), 0
    rows = _rows(folders)
    with atomic_path(path) as new, parquet.ParquetWriter(new, schema) as writer:
        while batch := list(islice(rows, _BATCH)):
            writer.write_table(pyarrow.Table.from_pylist([_clean(row) for row in batch], schema))
            count += len(batch)
    return count


def write_leaderboard(folders: Sequence[Path], path: Path) -> int:
    """Write a row for each strategy of the folders as CSV, with the columns of `LEADERBOARD`; returns their number."""
    table = leaderboard([ResultsFolder.read(folder) for folder in folders])
    atomic_write(path, table.to_csv())
    return len(table.rows)


def leaderboard(folders: Sequence[ResultsFolder]) -> Table:
    """Return a row for each strategy, the most accurate of each folder first."""
    rows: list[tuple[Any, ...]] = []
    for folder in folders:
        comparison = Comparison.from_folder(folder)
        best = comparison.best
        against = {pair.second: pair for pair in comparison.against_best}
        for row in sorted(comparison.rows, key=lambda row: (-row.accuracy, row.strategy)):
            data = row.to_json()
            low, high = data["ci95"] or (None, None)
            usage = (data[name] for name in ("calls", "prompt_tokens", "completion_tokens", "usd", "seconds"))
            is_best = best is not None and best.strategy == row.strategy
            pair = against.get(row.strategy)
            rows.append(
                (
                    *(comparison.task, folder.model_of(row.strategy), row.strategy, row.n, row.correct),
                    *(data["accuracy"], low, high, row.unparsed, row.failed, *usage),
                    "best" if is_best else _verdict(pair),
                    None if pair is None else pair.p_adjusted,
                )
            )
    return Table(tuple(LEADERBOARD), rows)


def _verdict(pair: PairedDifference | None) -> str:
    """Return the verdict on the second strategy of a pair, of which the first is the best."""
    if pair is None:
        return "not compared"
    if pair.is_withheld:
        return "withheld"
    return "similar" if not pair.is_shown else "worse" if pair.difference.value > 0 else "better"


def _rows(folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for folder in folders:
        store = ResultsFolder.read(folder)
        yield from to_rows(Comparison.from_folder(store).results, store)


def _clean(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row whose texts can be encoded; replies may hold lone surrogates."""
    return {name: replace_surrogates(value) if isinstance(value, str) else value for name, value in row.items()}
