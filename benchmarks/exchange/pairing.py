"""Solves of several logs as strategies on the same problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reasoning.benchmarks.exchange.solves import Solve, SolveLog, to_name
from reasoning.errors import InputError
from reasoning.tables import pluralize


@dataclass(frozen=True)
class Paired:
    """The solves of all logs by strategy, with the problems that they share.

    Attributes:
        problems: one solve of each problem, by the problem's id, in order of the first log.
        solves: the strategy, the problem's id, the repetition and the solve.
        strategies: the log of each strategy.
        by: what problems are paired by: "id" or "question".
        shared: the number of problems that all strategies have.
    """

    problems: Mapping[str, Solve]
    solves: Sequence[tuple[str, str, int, Solve]]
    strategies: Mapping[str, SolveLog]
    by: str
    shared: int

    def describe(self) -> str:
        """Return how the strategies were paired, in one line."""
        total = len(self.problems)
        if len(self.strategies) == 1:
            return f"{pluralize(total, 'problem')}, one strategy"
        return f"{len(self.strategies)} strategies, paired by {self.by}: {self.shared:,} of {total:,} problems in all"


def pair(logs: Sequence[tuple[str, SolveLog]], *, repeats: bool = False) -> Paired:
    """Pair the solves of logs by the problem's id, or else by its question.

    Args:
        logs: each log with the name of its strategy; an empty name is made of what distinguishes the log.
        repeats: whether solves of one problem without a number are its repetitions.

    Raises:
        InputError: a problem occurs twice in a strategy, or the logs are of different tasks.
    """
    check_one_task([log for _, log in logs])
    own = [log.name for name, log in logs if not name]
    if all(own) and len(set(own)) == len(own):
        logs = [(name or log.name, log) for name, log in logs]
    named = _name_strategies(logs)
    entries = [(named[index, solve.variant], solve) for index, (_, log) in enumerate(logs) for solve in log.solves]
    by_id, why = _can_pair_by_id(entries)
    if why and len(set(named.values())) > 1 and not _share_content(entries):
        raise InputError(why)
    problems: dict[str, Solve] = {}
    known: dict[str, str] = {}
    places: dict[tuple[str, str, int], str] = {}
    solves = []
    for strategy, solve in entries:
        key = str(solve.id) if by_id else solve.content
        name = known.get(key)
        if name is None:
            name = known[key] = _problem_name(solve, len(problems), problems)
            problems[name] = solve
        epoch = solve.epoch or 0
        earlier = places.get((strategy, name, epoch))
        if earlier and (repeats or _is_second_log(solve, earlier)):
            while (strategy, name, epoch) in places:
                epoch += 1
        if first := places.get((strategy, name, epoch)):
            what = f"the id {solve.id!r}" if by_id else f"the question {to_name(solve.question)!r:.80}"
            raise InputError(
                f"{solve.where}: {what} occurs twice in {strategy!r} (first at {first}); if these are repetitions, "
                "give --repeats, or map the column that numbers them: --map epoch=COLUMN"
            )
        places[strategy, name, epoch] = solve.where
        solves.append((strategy, name, epoch, solve))
    answered: dict[str, set[str]] = {}
    for strategy, name, _, _ in solves:
        answered.setdefault(strategy, set()).add(name)
    shared = set.intersection(*answered.values())
    strategies = {named[index, solve.variant]: log for index, (_, log) in enumerate(logs) for solve in log.solves}
    if len(strategies) > 1 and not shared and not _any_overlap(list(answered.values())):
        raise InputError(
            f"the logs have no problem in common, by id or by question: {', '.join(sorted(strategies))}; "
            "logs of one folder must be of the same problems"
        )
    return Paired(problems, solves, strategies, "id" if by_id else "question", len(shared))


def check_one_task(logs: Iterable[SolveLog]) -> None:
    """Check that logs which name their task name the same one.

    Raises:
        InputError: they name several.
    """
    tasks: dict[str, str] = {}
    for log in logs:
        if log.task:
            tasks.setdefault(log.task, log.path)
    if len(tasks) > 1:
        (first, one), (second, other), *_ = tasks.items()
        raise InputError(
            f"{other}: its task is {second!r}, and that of {one} is {first!r}; a results folder holds one task: "
            "import them into two folders, or give the name of both with --task"
        )


def _is_second_log(solve: Solve, first: str) -> bool:
    """Return whether the same repetition of a strategy is also in another file, as two logs of one name have it."""
    return first.partition(":")[0] != solve.where.partition(":")[0]


def _can_pair_by_id(entries: Sequence[tuple[str, Solve]]) -> tuple[bool, str]:
    """Return whether the same id always means the same problem, and if not, where it does not."""
    contents: dict[str, Solve] = {}
    for _, solve in entries:
        if solve.id is None:
            return False, ""
        first = contents.setdefault(solve.id, solve)
        if first.content != solve.content:
            return False, (
                f"{solve.where}: the problem {solve.id!r} asks {to_name(solve.question)!r:.80}, and at {first.where} "
                f"it asks {to_name(first.question)!r:.80}; the logs are of different problems"
            )
    return True, ""


def _share_content(entries: Sequence[tuple[str, Solve]]) -> bool:
    """Return whether some question is in more than one strategy."""
    seen: dict[str, str] = {}
    return any(seen.setdefault(solve.content, strategy) != strategy for strategy, solve in entries)


def _any_overlap(answered: Sequence[set[str]]) -> bool:
    seen: set[str] = set()
    for problems in answered:
        if seen & problems:
            return True
        seen |= problems
    return False


def _problem_name(solve: Solve, number: int, taken: Mapping[str, Solve]) -> str:
    name = to_name(solve.id) if solve.id is not None else str(number + 1)
    while name in taken:
        number += 1
        name = f"{to_name(solve.id, 'problem')}#{number + 1}"
    return name


def _name_strategies(logs: Sequence[tuple[str, SolveLog]]) -> dict[tuple[int, str], str]:
    """Return the name of the strategy of each log and variant: what distinguishes it from the others."""
    rows = [(index, variant) for index, (_, log) in enumerate(logs) for variant in dict.fromkeys(_variants(log))]
    parts: dict[tuple[int, str], tuple[str, str, str, str]] = {
        (index, variant): (logs[index][1].model, variant, logs[index][1].setup, _stem(logs[index][1].path))
        for index, variant in rows
    }
    unnamed = [row for row in rows if not logs[row[0]][0]]
    names = {
        row: " · ".join(filter(None, [logs[row[0]][0], row[1] if len(set(_variants(logs[row[0]][1]))) > 1 else ""]))
        for row in rows
        if logs[row[0]][0]
    }
    for count in range(1, 5):
        chosen = {row: _join(parts[row], parts, unnamed, count) for row in unnamed}
        if len(set(chosen.values())) == len(unnamed):
            break
    else:
        chosen = {row: f"{name} #{number}" for number, (row, name) in enumerate(chosen.items(), 1)}
    return names | chosen


def _join(
    own: tuple[str, ...], parts: Mapping[tuple[int, str], tuple[str, ...]], rows: Sequence[tuple[int, str]], count: int
) -> str:
    """Return those of the first `count` parts that differ between the strategies, or else the first that is there."""
    differing = [at for at in range(count) if len({parts[row][at] for row in rows}) > 1]
    joined = " · ".join(filter(None, (own[at] for at in differing)))
    return to_name(joined or next(filter(None, own), "imported"))


def _variants(log: SolveLog) -> list[str]:
    return [solve.variant for solve in log.solves]


def _stem(path: str) -> str:
    """Return the name of a file; with its folder, which for some tools names the model."""
    file = Path(path)
    name = file.name.removesuffix(".gz")
    stem = name.rpartition(".")[0] or name
    return f"{file.parent.name}/{stem}" if file.parent.name else stem
