"""What limits a report's numbers, in words: what is missing, left out, mixed or strange in a results folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.pairs import Pair
from benchmarks.report.costs import Comparable
from benchmarks.result import Result
from benchmarks.rows import Row
from benchmarks.store import Store


def remarks(
    store: Store, results: Sequence[Result], rows: Sequence[Row], pairs: Sequence[Pair], on: Comparable
) -> list[str]:
    """Everything that a reader must know before the numbers, or nothing."""
    return [*_strangers(store, len(results)), *_failed(rows), *_unequal(rows, pairs, on, results), *_mixed(results)]


def _strangers(store: Store, used: int) -> Iterator[str]:
    unknown = Counter(one.strategy for one in store.results.values() if one.strategy not in store.specs)
    if unknown:
        many = sum(unknown.values())
        yield f"{_results(many)} of strategies that this run did not ask for left out: {', '.join(sorted(unknown))}."
    others = len(store.results) - used - sum(unknown.values())
    if others:
        yield (
            f"{_results(others)} of problems that are not in problems.jsonl left out: they belong to another task, or "
            "that file is damaged."
        )
    missing = [spec for spec in store.specs if not any(one.strategy == spec for one in store.results.values())]
    if missing and used:
        yield f"No result yet of {', '.join(missing)}."


def _failed(rows: Sequence[Row]) -> Iterator[str]:
    failed = [row for row in rows if row.failed]
    if failed:
        each = ", ".join(f"{row.strategy} {row.failed} of {row.n + row.failed}" for row in failed)
        yield f"Calls that did not come through are no wrong answers and are left out: {each}."
    nothing = [row.strategy for row in rows if not row.n]
    if nothing and len(nothing) < len(rows):
        yield f"Nothing came through for {', '.join(nothing)}, so nothing is said about it."


def _unequal(rows: Sequence[Row], pairs: Sequence[Pair], on: Comparable, results: Sequence[Result]) -> Iterator[str]:
    answered: dict[str, set[str]] = {row.strategy: set() for row in rows}
    for result in results:
        if not result.failed:
            answered[result.strategy].add(result.problem)
    counts = {spec: len(problems) for spec, problems in answered.items()}
    if len({frozenset(problems) for problems in answered.values()}) <= 1:
        return
    every = len(set().union(*answered.values()))
    each = ", ".join(f"{spec} {count}" for spec, count in counts.items())
    yield (
        f"The strategies did not answer the same problems (of {every}: {each}). Each row counts its own; differences "
        f"are taken over the problems that both answered, which leaves out {_range(pairs, answered)} a pair."
    )
    if on.problems and len(on.problems) < every:
        yield f"Costs are compared on the {len(on.problems)} problems that all of them answered."
    if on.left_out:
        each = ", ".join(f"{spec} ({count})" for spec, count in on.left_out.items())
        yield f"With too few answered problems to compare costs: {each}."


def _range(pairs: Sequence[Pair], answered: Mapping[str, set[str]]) -> str:
    out = [len(answered.get(pair.first, set()) | answered.get(pair.second, set())) - pair.n for pair in pairs] or [0]
    return f"{min(out)} to {max(out)}" if min(out) < max(out) else str(max(out))


def _mixed(results: Sequence[Result]) -> Iterator[str]:
    versions: dict[str, set[str]] = {}
    for result in results:
        versions.setdefault(result.strategy, set()).add(result.fingerprint)
    changed = [spec for spec, prints in versions.items() if len(prints) > 1]
    if changed:
        yield f"Made by more than one version of the strategy: {', '.join(changed)}. The run command makes them anew."
    if len({result.checker for result in results}) > 1:
        yield "Read by more than one version of the rules: reasoning bench rescore reads all by the present ones."


def _results(count: int) -> str:
    return f"{count} result{'' if count == 1 else 's'}"
