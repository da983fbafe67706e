"""Rescoring of a results folder: its stored replies are parsed again with the current rules, without a call.

Every strategy runs again on the draws in the folder's journal. This repeats parsing, votes, programs
and scores. A result whose prompts have changed has no draws in the journal. It stays unchanged, and is
reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reasoning import event_loop, kinds, registry
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.results.fitted import with_learned
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.results.settings import sampling_settings
from reasoning.benchmarks.runs.fingerprint import fingerprint
from reasoning.benchmarks.tasks import get as get_task
from reasoning.engine.llm import LLM
from reasoning.errors import CallFailed, InputError, ReasoningError
from reasoning.journal import Journal
from reasoning.messages import Completion, Request
from reasoning.providers.client import Client
from reasoning.sandbox import Sandbox
from reasoning.strategy import Strategy
from reasoning.tables import Document, Table, pluralize


@dataclass(frozen=True)
class RescoreResult:
    """The outcome of rescoring a results folder.

    Attributes:
        version_before, version_after: the parser version of the stored results, and the current one.
        results_before, results_after: the comparison of the folder before and after.
        changed: the results whose answer or score changed, each before and after.
        reread: the number of results that were parsed again.
        skipped: the reasons why results were left unchanged, each with the number of results.
    """

    version_before: int
    version_after: int
    results_before: Comparison
    results_after: Comparison
    changed: tuple[tuple[Result, Result], ...]
    reread: int
    skipped: tuple[tuple[str, int], ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
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

    def document(self, most: int | None = None) -> Document:
        """Return the numbers of each strategy before and after, and the changed answers.

        Args:
            most: the largest number of changed answers to list; None is all.
        """
        read = pluralize(self.reread, "result")
        lines = [
            f"parser version {self.version_before} → {self.version_after}: "
            f"{read} parsed again, {len(self.changed):,} changed"
        ]
        lines += [f"{count:,} left unchanged: {why}" for why, count in self.skipped]
        lines += self.results_after.names.legend if self.changed else []
        parts: list[Table | str] = ["\n".join(lines)]
        if self.changed:
            parts += [self._numbers(), self.changes(most)]
        if most is not None and len(self.changed) > most:
            parts.append(f"and {len(self.changed) - most} more; --json lists all")
        return Document(parts)

    def _numbers(self) -> Table:
        changes = Counter(was.strategy for was, _ in self.changed)
        by_spec = {row.strategy: row for row in self.results_after.rows}
        return _table(
            ("strategy", "changed", "right before", "right now", "unparsed before", "unparsed now"),
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

    def changes(self, most: int | None = None) -> Table:
        """Return a table of the changed answers; `most` as in `document`."""
        return _table(
            ("problem", "strategy", "before", "now"),
            [
                (was.problem, self.results_after.names(was.strategy), _describe(was), _describe(now))
                for was, now in self.changed[:most]
            ],
        )


def rescore(folder: Path) -> RescoreResult:
    """Parse and score the replies of a results folder again, and store the new results; see the module.

    Args:
        folder: the results folder.

    Raises:
        InputError: the folder holds no run, is damaged, or is in use.
    """
    stored = ResultsFolder.read(folder)
    if "imported" in stored.metadata:
        raise InputError(
            f"{folder}: made of logs of another tool, so no draws are recorded; import them again: "
            "reasoning bench import … --rescore"
        )
    store = ResultsFolder.open(folder, stored.settings, stored.metadata)
    journal = Journal(folder / "journal.sqlite")
    try:
        keys = [key for key, result in store.results.items() if not result.failed]
        unscorable = _load_scorers(store, keys)
        before, version_before = Comparison.from_folder(store), int(store.settings["parser_version"])
        strategies, unknown = _build_strategies(store)
        endpoint = store.metadata.get("endpoint", store.settings.get("base_url"))
        client = _Recorded(store.settings["model"], endpoint)
        sandbox = Sandbox.parse(store.settings["sandbox"]) if "sandbox" in store.settings else None
        llm = LLM(client, journal=journal, sampling=sampling_settings(store.settings), sandbox=sandbox)
        llm.assume_refused(store.metadata.get("refused_settings", ()))
        skipped: Counter[str] = Counter()
        changed: list[tuple[Result, Result]] = []
        readable = [key for key in keys if key.strategy in strategies and key.problem not in unscorable]
        for old, new in event_loop.run_sync(_solve_again(store, readable, strategies, llm)):
            if isinstance(new, str):
                skipped[new] += 1
                continue
            new = replace(new, spent=old.spent, seconds=old.seconds)
            if _answer(old) != _answer(new):
                changed.append((old, new))
            if old != new:
                # The prompts and replies are unchanged, so the stored trace stays.
                store.add(new, None)
        skipped.update(
            unknown.get(key.strategy) or unscorable[key.problem]
            for key in keys
            if key.strategy in unknown or key.problem in unscorable
        )
        store.settings = {**store.settings, "parser_version": kinds.PARSER_VERSION}
        store.update_metadata()
        after = Comparison.from_folder(store)
        after.save(store)
        return RescoreResult(
            *(version_before, kinds.PARSER_VERSION, before, after, tuple(changed)),
            reread=len(keys) - skipped.total(),
            skipped=tuple(skipped.most_common()),
        )
    finally:
        journal.close()
        store.close()


def _load_scorers(store: ResultsFolder, keys: Sequence[ResultKey]) -> dict[str, str]:
    """Load the task if its own scorers are needed, which no file can hold.

    Returns:
        The problems whose scorer is missing, each with the reason.
    """
    if not store.needs_examples(0, (key.problem for key in keys)):
        return {}
    try:
        task = get_task(store.settings["task"], split=store.settings.get("split", ""))
        store.add_examples(task.load(len(store.examples), store.settings.get("seed") or 0))
    except ReasoningError as error:
        missing = f"its scorer is missing: {error}"
        return {key.problem: missing for key in keys if store.needs_examples(0, [key.problem])}
    return {}


def _build_strategies(store: ResultsFolder) -> tuple[dict[str, Strategy], dict[str, str]]:
    """Return the strategies that can be built, with what they have learned, and the reasons for the others."""
    strategies, unknown = {}, {}
    for spec in store.specs:
        try:
            strategies[spec] = with_learned(store, registry.get(spec)).with_spec(spec)
        except ReasoningError as error:
            unknown[spec] = str(error)
    return strategies, unknown


async def _solve_again(
    store: ResultsFolder, keys: Sequence[ResultKey], strategies: Mapping[str, Strategy], llm: LLM
) -> list[tuple[Result, Result | str]]:
    """Return each stored result with the new one, or with the reason if it cannot be made."""
    fingerprints = {spec: fingerprint(strategy) for spec, strategy in strategies.items()}
    epoch = int(store.metadata.get("first_epoch", 0))
    pairs: list[tuple[Result, Result | str]] = []
    for key in keys:
        old, example, spec = store.results[key], store.examples[key.problem], key.strategy
        try:
            answer = await strategies[spec].arun(example.problem, llm, epoch=epoch + key.epoch)
            pairs.append((old, Result.from_answer(answer, example, spec, fingerprints[spec], key.epoch)))
        except _NotRecorded as error:
            pairs.append((old, str(error)))
        except Exception as error:
            # The code of a user's strategy may be broken by now.
            pairs.append((old, f"{type(error).__name__}: {error}"))
    return pairs


class _NotRecorded(CallFailed):
    # A branch without its draw would give another answer than the stored one.
    ends_run = True


class _Recorded(Client):
    """A client without a model: every draw must be in the journal."""

    free = True

    def __init__(self, model: str, endpoint: str | None) -> None:
        self.model, self.endpoint = model, endpoint

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        raise _NotRecorded("a draw is not in the folder: the strategy or its prompts have changed")


def _answer(result: Result) -> dict[str, Any]:
    """Return the parts of a result that rescoring may change."""
    return {"state": result.state, "value": result.value, "correct": result.correct}


def _describe(result: Result) -> str:
    mark = "✓" if result.correct else "✗"
    return (
        f"{mark} {result.value} ({result.rule})" if result.value is not None else f"{mark} unparsed ({result.reason})"
    )


def _table(titles: Sequence[str], lines: Sequence[Sequence[object]]) -> Table:
    return Table(tuple(titles), [[str(cell)[:200] for cell in line] for line in lines], text_columns=len(titles))
