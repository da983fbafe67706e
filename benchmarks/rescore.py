"""Read the stored replies of a results folder again with the present rules, without a call.

Every strategy is run again on the draws that the folder's journal holds, so whatever lies between a reply and an answer
(reading, votes, programs, scores) is done anew. A result whose prompts are others now, so that its draws are not
there, stays as it is and is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import reasoning
from reasoning import event_loop, kinds
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.results.settings import sampling_settings
from reasoning.benchmarks.runs.fingerprint import fingerprint
from reasoning.benchmarks.tasks import get as get_task
from reasoning.engine.llm import LLM
from reasoning.errors import CallFailed, ReasoningError
from reasoning.journal import Journal
from reasoning.messages import Completion, Request
from reasoning.providers.client import Client
from reasoning.sandbox import Sandbox
from reasoning.strategy import Strategy
from reasoning.tables import Table, pluralize

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True)
class RescoreResult:
    """What became of a results folder.

    Attributes:
        before, after: the version of the rules that read the results, and the one that reads them now.
        was, now: the folder's comparison before and after.
        changed: results of which the answer or its score is another now: as it was, as it is.
        read: how many were read again.
        left: why results were left as they were, and how many.
    """

    version_before: int
    version_after: int
    results_before: Comparison
    results_after: Comparison
    changed: tuple[tuple[Result, Result], ...]
    reread: int
    skipped: tuple[tuple[str, int], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "parser_version": {"before": self.version_before, "after": self.version_after},
            "read": self.reread,
            "left": dict(self.skipped),
            "changed": [
                {"problem": was.problem, "strategy": was.strategy, "before": _answer(was), "after": _answer(now)}
                for was, now in self.changed
            ],
            "results": self.results_after.to_json(spent=False)["results"],
        }

    def render(self, most: int = 40) -> RenderableType:
        """For the terminal: each strategy's numbers before and after, and the answers that changed, at most so many."""
        from rich.console import Group
        from rich.text import Text

        read = pluralize(self.reread, "result")
        lines = [
            f"parser version {self.version_before} → {self.version_after}: "
            f"{read} read again, {len(self.changed):,} changed"
        ]
        lines += [f"{count:,} left as they were: {why}" for why, count in self.skipped]
        lines += self.results_after.names.legend if self.changed else []
        parts: list[RenderableType] = [Text("\n".join(lines)), Text("")]
        if self.changed:
            parts += [self._numbers(), Text(""), self._changes(most)]
        if len(self.changed) > most:
            parts.append(Text(f"and {len(self.changed) - most} more; all of them with --json"))
        return Group(*parts)

    def _numbers(self) -> RenderableType:
        changes = Counter(was.strategy for was, _ in self.changed)
        by_spec = {row.strategy: row for row in self.results_after.rows}
        return _table(
            ("strategy", "changed", "right before", "now", "unparsed before", "now"),
            [
                (
                    self.results_after.names(row.strategy),
                    changes[row.strategy],
                    row.correct,
                    now.correct,
                    row.unparsed,
                    now.unparsed,
                )
                for row in self.results_before.rows
                if (now := by_spec[row.strategy])
            ],
        )

    def _changes(self, most: int) -> RenderableType:
        return _table(
            ("problem", "strategy", "before", "now"),
            [
                (was.problem, self.results_after.names(was.strategy), _said(was), _said(now))
                for was, now in self.changed[:most]
            ],
        )


def rescore(folder: Path) -> RescoreResult:
    """Read the results of a folder again and keep what comes out; see the module.

    Raises:
        InputError: the folder holds no run, is damaged, or is in use.
    """
    found = ResultsFolder.read(folder)
    store = ResultsFolder.open(folder, found.settings, found.metadata)
    journal = Journal(folder / "journal.sqlite")
    try:
        keys = [key for key, result in store.results.items() if not result.failed]
        without = _complete(store, keys)
        was, before = Comparison.from_folder(store), int(store.settings["parser_version"])
        strategies, unknown = _strategies(store.specs)
        model = _Recorded(store.settings["model"], store.settings.get("base_url"))
        sandbox = Sandbox.parse(store.settings["sandbox"]) if "sandbox" in store.settings else None
        llm = LLM(model, journal=journal, sampling=sampling_settings(store.settings), sandbox=sandbox)
        left: Counter[str] = Counter()
        changed: list[tuple[Result, Result]] = []
        readable = [key for key in keys if key.strategy in strategies and key.problem not in without]
        again = event_loop.run_sync(_read(store, readable, strategies, llm))
        for old, new in again:
            if isinstance(new, str):
                left[new] += 1
                continue
            new = replace(new, spent=old.spent, seconds=old.seconds)
            if _answer(old) != _answer(new):
                changed.append((old, new))
            if old != new:
                store.add(new, None)  # what was asked and said is as it was
        left.update(
            unknown.get(key.strategy) or without[key.problem]
            for key in keys
            if key.strategy in unknown or key.problem in without
        )
        store.settings = {**store.settings, "parser_version": kinds.PARSER_VERSION}
        store.update_metadata()
        now = Comparison.from_folder(store)
        now.save(store)
        read = len(keys) - left.total()
        return RescoreResult(before, kinds.PARSER_VERSION, was, now, tuple(changed), read, tuple(left.most_common()))
    finally:
        journal.close()
        store.close()


def _complete(store: ResultsFolder, keys: Sequence[ResultKey]) -> dict[str, str]:
    """Load the task where its own scorers are needed, which no file can hold; why that cannot be, by problem."""
    if not store.needs_examples(0, (key.problem for key in keys)):
        return {}
    try:
        task = get_task(store.settings["task"], split=store.settings.get("split", ""))
        store.add_examples(task.load(len(store.examples), store.settings.get("seed") or 0))
    except ReasoningError as error:
        missing = f"its scorer is missing: {error}"
        return {key.problem: missing for key in keys if store.needs_examples(0, [key.problem])}
    return {}


def _strategies(specs: Sequence[str]) -> tuple[dict[str, Strategy], dict[str, str]]:
    """The strategies that can be made from their specs, and why the others cannot."""
    made, unknown = {}, {}
    for spec in specs:
        try:
            made[spec] = reasoning.strategies.get(spec)
        except ReasoningError as error:
            unknown[spec] = str(error)
    return made, unknown


async def _read(
    store: ResultsFolder, keys: Sequence[ResultKey], strategies: Mapping[str, Strategy], llm: LLM
) -> list[tuple[Result, Result | str]]:
    """Each stored result with what it is now, or with why that cannot be known."""
    prints = {spec: fingerprint(strategy) for spec, strategy in strategies.items()}
    epoch = int(store.metadata.get("first_epoch", 0))
    found: list[tuple[Result, Result | str]] = []
    for key in keys:
        old, example, spec = store.results[key], store.examples[key.problem], key.strategy
        try:
            answer = await strategies[spec].arun(example.problem, llm, epoch=epoch + key.epoch)
            found.append((old, Result.from_answer(answer, example, spec, prints[spec], key.epoch)))
        except _NotRecorded as error:
            found.append((old, str(error)))
        except Exception as error:  # a strategy of someone's own that is broken now
            found.append((old, f"{type(error).__name__}: {error}"))
    return found


class _NotRecorded(CallFailed):
    ends_run = True  # a branch that goes on without its draw would give another answer than the one that was stored


class _Recorded(Client):
    """A model of which only the journal is left."""

    free = True

    def __init__(self, model: str, endpoint: str | None) -> None:
        self.model, self.endpoint = model, endpoint

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        raise _NotRecorded("a draw is not in the folder: the strategy or its prompts have changed since")


def _answer(result: Result) -> dict[str, Any]:
    """What of a result may change when it is read again."""
    return {"state": result.state, "value": result.value, "correct": result.correct}


def _said(result: Result) -> str:
    mark = "✓" if result.correct else "✗"
    return (
        f"{mark} {result.value} ({result.rule})" if result.value is not None else f"{mark} unparsed ({result.reason})"
    )


def _table(titles: Sequence[str], lines: Sequence[Sequence[object]]) -> RenderableType:
    return Table(tuple(titles), [[str(cell)[:200] for cell in line] for line in lines], text_columns=len(titles))
