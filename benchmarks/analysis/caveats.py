"""What limits a run's numbers, in words: what is missing, left out, mixed or strange in a results folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

from reasoning.benchmarks.analysis.common_subset import CommonSubset
from reasoning.benchmarks.analysis.paired import families
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.analysis.summary_table import many
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result

TITLE = "What limits these numbers"
_INDEPENDENT = "; a race for advice takes all problems for independent, and may stop one too soon"


def find_caveats(
    store: ResultsFolder,
    results: Sequence[Result],
    rows: Sequence[StrategySummary],
    on: CommonSubset,
    stopped: Collection[str] = (),
) -> list[str]:
    """Everything that a reader must know before the numbers, or nothing.

    Args:
        store: where they are from.
        results: those that count in the rows.
        rows: of the table.
        on: what is compared.
        stopped: strategies that a race has stopped.
    """
    sample = bool((store.metadata.get("race") or {}).get("over_population", True))
    return [
        *_strangers(store, len(results)),
        *_raced(stopped, sample),
        *_failed(rows),
        *_unequal(rows, on, results, stopped),
        *_alike(results, bool(stopped) and sample),
        *_mixed(results),
    ]


def format_caveats(found: Sequence[str]) -> str:
    """The remarks as a list with its title; empty where there are none."""
    return "\n".join([f"{TITLE}:", "", *(f"- {one}" for one in found)]) if found else ""


def _strangers(store: ResultsFolder, used: int) -> Iterator[str]:
    unknown = Counter(one.strategy for one in store.results.values() if one.strategy not in store.specs)
    if unknown:
        left_out = many(sum(unknown.values()), "result")
        yield f"{left_out} of strategies that this run did not ask for left out: {', '.join(sorted(unknown))}."
    others = sum(one.problem not in store.examples and one.strategy in store.specs for one in store.results.values())
    if others:
        yield (
            f"{many(others, 'result')} of problems that are not in problems.jsonl left out: they belong to another "
            "task, or that file is damaged."
        )
    begun = {one.strategy for one in store.results.values()}
    missing = [spec for spec in store.specs if spec not in begun]
    if missing and used:
        yield f"No result yet of {', '.join(missing)}."


def _raced(stopped: Collection[str], sample: bool) -> Iterator[str]:
    if stopped:
        of_these = "it decides which is the best on the problems of this run, as running all would, and not on others. "
        yield (
            f"A race stopped {', '.join(stopped)}{'. ' if sample else f': {of_these}'}When it did hung on the answers, "
            "so accuracies and intervals after a race describe and do not test; only those that are left are compared."
        )


def _failed(rows: Sequence[StrategySummary]) -> Iterator[str]:
    failed = [row for row in rows if row.failed]
    if failed:
        each = ", ".join(f"{row.strategy} {row.failed} of {row.n + row.failed}" for row in failed)
        yield f"Calls that did not come through are no wrong answers and are left out: {each}."
    nothing = [row.strategy for row in rows if not row.n]
    if nothing and len(nothing) < len(rows):
        yield f"Nothing came through for {', '.join(nothing)}, so nothing is said about it."


def _unequal(
    rows: Sequence[StrategySummary], on: CommonSubset, results: Sequence[Result], stopped: Collection[str]
) -> Iterator[str]:
    answered: dict[str, set[str]] = {row.strategy: set() for row in rows}
    for result in results:
        if not result.failed:
            answered[result.strategy].add(result.problem)
    if len({frozenset(problems) for problems in answered.values()}) <= 1:
        return
    every = len(set().union(*answered.values()))
    each = ", ".join(f"{spec} {len(problems)}" for spec, problems in answered.items())
    said = f"The strategies did not answer the same problems (of {every}: {each}). Each row counts its own"
    compared = {spec: problems for spec, problems in answered.items() if spec not in on.excluded}
    if len(compared) > 1:
        said += (
            f"; differences are taken over the problems that both answered, which leaves out {_range(compared)} a pair"
        )
    yield f"{said}."
    if on.problems and len(on.problems) < every and len(compared) > 1:
        those = "the others" if on.excluded else "all of them"
        yield f"The best, and the costs, are those of the {many(len(on.problems), 'problem')} that {those} answered."
    few = [f"{spec} ({count})" for spec, count in on.excluded.items() if count and spec not in stopped]
    if few:
        yield f"With too few answered problems to be compared: {', '.join(few)}."


def _range(compared: Mapping[str, set[str]]) -> str:
    """How many of the problems of two strategies only one of them has answered."""
    out = [len(first ^ second) for first, second in combinations(compared.values(), 2)]
    return f"{min(out)} to {max(out)}" if min(out) < max(out) else str(max(out))


def _alike(results: Sequence[Result], raced: bool) -> Iterator[str]:
    sizes = Counter(families(results).values())
    if max(sizes.values(), default=1) > 1:
        of = "one family" if len(sizes) == 1 else f"{len(sizes)} families"
        yield (
            f"Some problems vary one question or share a passage: {sum(sizes.values())} of them come from {of}. "
            f"Intervals and tests count families and not problems{_INDEPENDENT if raced else ''}."
        )


def _mixed(results: Sequence[Result]) -> Iterator[str]:
    versions: dict[str, set[str]] = {}
    for result in results:
        versions.setdefault(result.strategy, set()).add(result.fingerprint)
    changed = [spec for spec, prints in versions.items() if len(prints) > 1]
    if changed:
        yield f"Made by more than one version of the strategy: {', '.join(changed)}. The run command makes them anew."
    if len({result.parser_version for result in results}) > 1:
        yield "Read by more than one version of the rules: reasoning bench rescore reads all by the present ones."
