"""The caveats of a run: missing, excluded, mixed or inconsistent results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from reasoning.benchmarks.analysis.common_subset import CommonSubset
from reasoning.benchmarks.analysis.imported import imported_caveats
from reasoning.benchmarks.analysis.score_table import families
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.analysis.worst_case import find_incomplete
from reasoning.benchmarks.results.fitted import edited_files
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result_rows import ResultRows
from reasoning.tables import pluralize

TITLE = "Limits of these numbers"
_INDEPENDENT = "; a race for advice treats all problems as independent, and may stop a strategy too soon"


def find_caveats(
    folder: ResultsFolder,
    results: ResultRows,
    rows: Sequence[StrategySummary],
    common: CommonSubset,
    stopped: Collection[str] = (),
) -> list[str]:
    """Return the limits of a run's numbers, one sentence each.

    Args:
        folder: the results folder.
        results: the results that the rows count.
        rows: the summaries of the strategies.
        common: the solves on which strategies are compared.
        stopped: the strategies that a race stopped.
    """
    over_population = bool((folder.metadata.get("race") or {}).get("over_population", True))
    return [
        *_foreign_results(folder, len(results)),
        *_race(stopped, over_population),
        *_failed_calls(rows),
        *_incomplete(results),
        *_repetitive(results),
        *_claimed_outputs(results),
        *_different_problems(rows, common, results, stopped),
        *_families(results, bool(stopped) and over_population),
        *_mixed_versions(results),
        *_edited(folder),
        *imported_caveats(folder.metadata.get("imported"), results),
    ]


def format_caveats(caveats: Sequence[str]) -> str:
    """Return the caveats as a titled list, or "" without caveats."""
    return "\n".join([f"{TITLE}:", "", *(f"- {caveat}" for caveat in caveats)]) if caveats else ""


def _foreign_results(folder: ResultsFolder, used: int) -> Iterator[str]:
    everything = folder.results.rows()
    begun = _counted(everything)
    unknown = {spec: count for spec, count in begun.items() if spec not in folder.specs}
    if unknown:
        count = pluralize(sum(unknown.values()), "result")
        yield f"{count} of strategies that do not belong to this run left out: {', '.join(sorted(unknown))}."
    strangers = [problem for problem in everything.names("problem") if problem not in folder.examples]
    foreign = 0
    if strangers:
        of_strangers = everything.of_problems(strangers)
        foreign = sum(len(of_strangers.of_strategy(spec)) for spec in folder.specs)
    if foreign:
        yield (
            f"{pluralize(foreign, 'result')} of problems that are not in problems.jsonl left out: they belong to "
            "another task, or that file is damaged."
        )
    missing = [spec for spec in folder.specs if spec not in begun]
    if missing and used:
        yield f"No results yet of {', '.join(missing)}."


def _race(stopped: Collection[str], over_population: bool) -> Iterator[str]:
    if stopped:
        scope = (
            ". "
            if over_population
            else ": its decision is about the problems of this run, as if all had been run, and not about others. "
        )
        yield (
            f"A race stopped {', '.join(stopped)}{scope}The time of the stop depended on the answers, so accuracies "
            "and intervals after a race describe and do not test; only the remaining strategies are compared."
        )


def _failed_calls(rows: Sequence[StrategySummary]) -> Iterator[str]:
    failed = [row for row in rows if row.failed]
    if failed:
        counts = ", ".join(f"{row.strategy} {row.failed} of {row.n + row.failed}" for row in failed)
        yield f"Failed calls are not wrong answers and are left out: {counts}."
    uncounted = [row.strategy for row in rows if not row.n]
    if uncounted and len(uncounted) < len(rows):
        yield f"Every call of {', '.join(uncounted)} failed, so its accuracy is unknown."


def _incomplete(results: ResultRows) -> Iterator[str]:
    incomplete = find_incomplete(results).values()
    truncated = [one for one in incomplete if one.truncated]
    if truncated:
        limits = (f", {one.limit:,} tokens" if one.limit else "" for one in truncated)
        counts = (
            f"{one.strategy} {one.truncated} of {one.n}{limit}" for one, limit in zip(truncated, limits, strict=True)
        )
        yield f"Answers that are not right and had a reply cut off by a limit: {'; '.join(counts)}."
    if refused := [one for one in incomplete if one.refused]:
        counts = (f"{one.strategy} {one.refused} of {one.n}" for one in refused)
        yield f"Answers that the model or the provider refused: {', '.join(counts)}."


def _repetitive(results: ResultRows) -> Iterator[str]:
    if counts := _counts(results, "repetitive"):
        yield f"Answers with a reply that repeats itself until a limit cuts it off: {counts}."


def _claimed_outputs(results: ResultRows) -> Iterator[str]:
    if counts := _counts(results, "claimed_outputs"):
        yield (
            f"Answers with a reply that states the output of a program which did not run: {counts}. "
            "cot(run_programs=True) runs such programs."
        )


def _counts(results: ResultRows, column: str) -> str:
    """Return "cot 3 of 48, vanilla 1 of 48": the results of each strategy with a true value in the column, and all."""
    total = _counted(results)
    chosen = _counted(results.where(results.data[column]))
    return ", ".join(f"{spec} {count} of {total[spec]}" for spec, count in chosen.items())


def _counted(results: ResultRows) -> dict[str, int]:
    """Return the number of results of each strategy, in the order of their first results."""
    return {spec: len(results.of_strategy(spec)) for spec in results.distinct("strategy")}


def _different_problems(
    rows: Sequence[StrategySummary], common: CommonSubset, results: ResultRows, stopped: Collection[str]
) -> Iterator[str]:
    counted = results.where(~results.failed)
    # Sets of the numbers of problems, whose texts are not needed.
    answered = {row.strategy: set(counted.of_strategy(row.strategy).data["problem"].tolist()) for row in rows}
    first = next(iter(answered.values()), set())
    if all(problems == first for problems in answered.values()):
        return
    total = len(set().union(*answered.values()))
    counts = ", ".join(f"{spec} {len(problems)}" for spec, problems in answered.items())
    text = f"The strategies did not answer the same problems (of {total}: {counts}). Each row counts its own"
    compared = {spec: problems for spec, problems in answered.items() if spec not in common.excluded}
    if len(compared) > 1:
        text += f"; a difference is over the problems that both answered, which leaves out {_range(compared)} a pair"
    yield f"{text}."
    if common.problems and len(common.problems) < total and len(compared) > 1:
        strategies = "the others" if common.excluded else "all of them"
        count = pluralize(len(common.problems), "problem")
        yield f"The best and the costs are over the {count} that {strategies} answered."
    few = [f"{spec} ({count})" for spec, count in common.excluded.items() if count and spec not in stopped]
    if few:
        yield f"Too few answered problems to be compared: {', '.join(few)}."


def _range(compared: Mapping[str, set[int]]) -> str:
    """Return the number of problems that only one of two strategies answered, as a range over the pairs."""
    counts = [len(first ^ second) for first, second in combinations(compared.values(), 2)]
    return f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else str(max(counts))


def _families(results: ResultRows, raced: bool) -> Iterator[str]:
    sizes = Counter(families(results).values())
    if max(sizes.values(), default=1) > 1:
        count = "one family" if len(sizes) == 1 else f"{len(sizes)} families"
        yield (
            f"Some problems vary one question or share a passage: {sum(sizes.values())} of them come from {count}. "
            f"Intervals and tests count families, not problems{_INDEPENDENT if raced else ''}."
        )


def _mixed_versions(results: ResultRows) -> Iterator[str]:
    specs = results.distinct("strategy")
    changed = [spec for spec in specs if len(np.unique(results.of_strategy(spec).data["fingerprint"])) > 1]
    if changed:
        yield f"Results of more than one version of {', '.join(changed)}. The run command replaces them."
    if len(np.unique(results.data["parser_version"])) > 1:
        yield "Answers parsed by more than one version of the rules: `reasoning bench rescore` parses all of them anew."


def _edited(folder: ResultsFolder) -> Iterator[str]:
    if files := list(edited_files(folder)):
        yield (
            f"What strategies have learned was edited by hand: {', '.join(files)}. The cost of fitting is that before "
            "the edit."
        )
