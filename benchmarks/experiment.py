"""Compare strategies on a task: the door from Python, and what the command line goes through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import reasoning
from benchmarks import runner
from benchmarks.comparison import Comparison
from benchmarks.settings import settings
from benchmarks.store import Store
from benchmarks.tasks import Task
from benchmarks.tasks import get as get_task
from benchmarks.tasks.given import Given
from benchmarks.usage import since
from reasoning import loop
from reasoning.errors import CallFailed, UsageError
from reasoning.problem import Example
from reasoning.strategy import Strategy

if TYPE_CHECKING:
    from benchmarks.progress import Display
    from reasoning.llm.llm import LLM


def compare(
    strategies: Sequence[str | Strategy],
    task: str | Task | Sequence[Example],
    llm: LLM | str,
    *,
    limit: int = 20,
    seed: int = 0,
    out: str | Path | None = None,
    concurrency: int | None = None,
    minutes: float | None = None,
    progress: bool = True,
) -> Comparison:
    """Let strategies solve the same problems, and say which of them can be told apart.

    Args:
        strategies: specs such as "self_consistency(cot, samples=5)", or strategies.
        task: a task's name, a task, or examples of your own.
        llm: what `reasoning.connect` gives, or the model's name.
        limit: how many problems; fewer where the task has no more.
        seed: of the problems, for tasks that are made from one.
        out: a folder in which every result is kept when it is known, and from which the same call goes on.
        concurrency: problems under way at once; by default as many as the model takes requests.
        minutes: begin no further problem after this time; those begun are finished. The folder keeps the number, so
            that the same call finds the same problems again.
        progress: show on stderr how far it is.

    Returns:
        The comparison. Where the budget ended it, what there is, with `stopped` set.

    Raises:
        UsageError: what was asked for makes no sense.
        CallFailed: nothing came through. What did before is kept in `out`.
    """
    from benchmarks.progress import Display

    with Display(shown=progress) as display:
        folder = None if out is None else Path(out)
        found = run(strategies, task, llm, limit, seed, folder, concurrency, minutes, display)
    if found.stopped is not None and found.stopped.exit_code != 3:
        raise found.stopped
    return found


def run(
    strategies: Sequence[str | Strategy],
    task: str | Task | Sequence[Example],
    llm: LLM | str,
    limit: int,
    seed: int,
    folder: Path | None,
    concurrency: int | None,
    minutes: float | None,
    display: Display,
) -> Comparison:
    """What `compare` does, with a display that is open; what stopped the run is in the comparison."""
    if limit < 1:
        raise UsageError(f"limit={limit}: at least one problem")
    named = named_strategies(strategies)
    source = _task(task)
    model = reasoning.connect(llm) if isinstance(llm, str) else llm
    asked = settings(source, seed, model)
    about = {"free": model.client.free, "source": source.source, "licence": source.licence}
    store = Store.open(folder, asked, about)
    try:
        limit = min(limit, store.about.get("fitted", {}).get(str(minutes), limit))
        ids = list(store.examples)[:limit]
        pairs = runner.missing(store, ids, named)
        if store.lacks(limit, pairs):
            display.doing(f"making the problems of {source.name}")
            store.add_examples(source.load(limit, seed))
            ids = list(store.examples)[:limit]
            pairs = runner.missing(store, ids, named)
        store.ask(named)
        stopped = None
        before = model.spent
        if pairs:
            seconds = None if minutes is None else 60 * minutes
            display.running(Comparison.of(store, ids, list(named)), model, list(named), pairs, seconds)
            stopped = loop.run(runner.run(pairs, named, model, store, display.result, concurrency, seconds))
            if minutes and stopped is None:
                ids = _fitted(store, ids, named, minutes)
        spent = since(before, model.spent)
        found = Comparison.of(store, ids, list(named), spent=spent, stopped=stopped)
        if found.results:
            Comparison.of(store).save(store)
        return found
    finally:
        store.close()


def _fitted(store: Store, ids: list[str], named: Mapping[str, Strategy], minutes: float) -> list[str]:
    """The problems that every strategy has finished in the time given; their number is kept with it."""
    lacking = {problem for problem, _ in runner.missing(store, ids, named)}
    done = list(takewhile(lambda problem: problem not in lacking, ids))
    if not done:
        raise CallFailed("no problem was finished; the same command goes on")
    if len(done) < len(ids):
        store.note(fitted={**store.about.get("fitted", {}), str(minutes): len(done)})
    return done


def named_strategies(strategies: Sequence[str | Strategy]) -> dict[str, Strategy]:
    """The strategies by their specs, in order; one that is named twice is taken once."""
    if isinstance(strategies, str):
        strategies = reasoning.strategies.split(strategies)
    named: dict[str, Strategy] = {}
    for one in strategies:
        strategy = reasoning.strategies.get(one)
        spec = repr(strategy)
        if spec in named and named[spec] != strategy:
            raise UsageError(f"two different strategies are called {spec!r}; give each a name of its own")
        named[spec] = strategy
    if not named:
        raise UsageError("no strategy is given; for example --strategies 'vanilla, cot'")
    return named


def _task(task: str | Task | Sequence[Example]) -> Task:
    if isinstance(task, str):
        return get_task(task)
    return Given(tuple(task)) if isinstance(task, list | tuple) else task  # type: ignore[return-value]
