"""What a comparison found: the rows, the verdict, and their pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.analysis import inspect_results
from reasoning.benchmarks.analysis import summary_table as tables
from reasoning.benchmarks.analysis.caveats import TITLE, find_caveats, format_caveats
from reasoning.benchmarks.analysis.common_subset import CommonSubset, common_subset
from reasoning.benchmarks.analysis.figure import accuracy_figure
from reasoning.benchmarks.analysis.paired import PairedDifference, families, paired_differences, scores_by_problem
from reasoning.benchmarks.analysis.summary import StrategySummary, summarize
from reasoning.benchmarks.analysis.verdict import verdict
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.settings import short_model_name, task_title
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.runs.race import RaceRecord
from reasoning.errors import MissingExtra, ReasoningError, UsageError
from reasoning.messages import Usage

if TYPE_CHECKING:
    from pandas import DataFrame
    from rich.console import RenderableType
    from rich.table import Table


@dataclass(frozen=True)
class Comparison:
    """Strategies on the same problems. Print it, or let a notebook show it.

    Attributes:
        task: the task's name.
        model: the model's name.
        n: how many problems were begun.
        rows: one for each strategy, in the order in which they were asked for.
        spent: what was paid for now; the rows count what was used.
        stopped: what ended the run before its end, or None.
        folder: where the results are kept, if they are.
        results: every single result.
        free: whether the model costs no money.
        raced: what a race decided, where there was one.
        remarks: what limits the numbers, in words; see `reasoning.benchmarks.analysis.caveats`.
        on: what is compared: what the strategies that are left in a race, and have enough, all answered. By default
            found among the results.
        store: what it was made from.
    """

    task: str
    model: str
    n: int
    rows: tuple[StrategySummary, ...]
    spent: Usage = field(default_factory=Usage)
    stopped: ReasoningError | None = None
    folder: Path | None = None
    results: tuple[Result, ...] = field(default=(), repr=False)
    free: bool = False
    race: RaceRecord | None = None
    caveats: tuple[str, ...] = ()
    common: CommonSubset = field(default=None, repr=False, compare=False)  # type: ignore[assignment]
    source: ResultsFolder | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_folder(
        cls,
        store: ResultsFolder,
        ids: Sequence[str] | None = None,
        specs: Sequence[str] | None = None,
        *,
        spent: Usage | None = None,
        stopped: ReasoningError | None = None,
    ) -> Comparison:
        """What a store holds: of all problems, or of these problems and strategies."""
        ids = list(store.examples) if ids is None else ids
        specs = store.specs if specs is None else specs
        place = {problem: number for number, problem in enumerate(ids)}
        wanted = set(specs)
        results = tuple(
            sorted(
                (one for one in store.results.values() if one.problem in place and one.strategy in wanted),
                key=lambda one: (place[one.problem], one.epoch, specs.index(one.strategy)),
            )
        )
        raced = RaceRecord.from_metadata(store.metadata.get("race"), specs)
        out = raced.stopped if raced else {}
        on = common_subset(results, out)
        made, begun = tuple(summarize(results, specs, on)), len({one.problem for one in results})
        return cls(
            *(store.settings["task"], store.settings["model"], begun, made, spent or Usage(), stopped, store.folder),
            results=results,
            free=bool(store.metadata.get("free")),
            race=raced,
            caveats=tuple(find_caveats(store, results, made, on, out)),
            common=on,
            source=store,
        )

    def __post_init__(self) -> None:
        if self.common is None:
            object.__setattr__(self, "common", common_subset(self.results, self.race.stopped if self.race else ()))

    @cached_property
    def common_rows(self) -> tuple[StrategySummary, ...]:
        """The rows of that: each counts the same solves."""
        return tuple(summarize(self.common.select(self.results), [row.strategy for row in self.rows], self.common))

    @cached_property
    def names(self) -> ShortNames:
        """What the strategies are called, in tables and sentences."""
        return ShortNames.of(row.strategy for row in self.rows)

    @property
    def best(self) -> StrategySummary | None:
        """Of what is compared the row with the most right answers, of equal ones the one with the fewest tokens."""
        return min(self.common_rows, key=lambda row: (-row.correct, row.usage.completion_tokens), default=None)

    @cached_property
    def pairs(self) -> tuple[PairedDifference, ...]:
        """Every two strategies that are compared, on the problems that both answered."""
        return tuple(
            paired_differences(
                scores_by_problem(self.results), [row.strategy for row in self.common_rows], families(self.results)
            )
        )

    @cached_property
    def against_best(self) -> tuple[PairedDifference, ...]:
        """The best strategy beside each other one that is compared, the largest difference first."""
        if self.best is None:
            return ()
        name = self.best.strategy
        found = (pair.oriented(name) for pair in self.pairs if name in (pair.first, pair.second))
        return tuple(sorted(found, key=lambda pair: -pair.difference.value))

    @cached_property
    def verdict(self) -> str:
        """What can be told apart, in words; worked out when somebody reads it."""
        return verdict(self)

    @property
    def failed(self) -> list[Result]:
        """The results whose calls did not come through."""
        return [result for result in self.results if result.failed]

    @property
    def title(self) -> str:
        """What was compared, in a line."""
        epochs = 1 + max((result.epoch for result in self.results), default=0)
        problems = tables.many(self.n, "problem") + (f" × {epochs} repetitions" if epochs > 1 else "")
        task = task_title(self.source.settings) if self.source else self.task
        return f"{task} · {problems} · {short_model_name(self.model)}"

    def table(self) -> Table:
        """A `rich` table for the terminal."""
        return tables.terminal(self.rows, self.free)

    def frame(self) -> DataFrame:
        """Every single result as a row of a pandas DataFrame: who, on what, right or not, and what it used."""
        try:
            import pandas
        except ImportError as error:
            raise MissingExtra("a DataFrame", "bench", f"pandas ({error})") from None
        used = ("calls", "prompt_tokens", "completion_tokens", "usd", "seconds")
        return pandas.DataFrame(
            [
                {
                    **{
                        name: getattr(one, name)
                        for name in ("problem", "strategy", "epoch", "state", "correct", "value")
                    },
                    **{name: getattr(one, name) for name in ("rule", "reason", "confidence")},
                    **{name: getattr(one.usage, name) for name in used},
                }
                for one in self.results
            ]
        )

    def problem(self, name: str, *strategies: str) -> Table:
        """One problem, with strategies side by side: their answers, and what was asked and said; for a notebook.

        Args:
            name: its id, or the end of it.
            strategies: their specs, or the beginnings of them; by default all.

        Raises:
            UnknownName: there is no such problem or strategy.
            UsageError: several problems end so, or there is no store.
        """
        if self.source is None:
            raise UsageError("this comparison was made without results to open")
        return inspect_results.side_by_side(self.source, name, strategies or [row.strategy for row in self.rows])

    def parse_rules(self) -> RenderableType:
        """How often each rule read an answer, by strategy, and why there was none; for the terminal."""
        return tables.readings(
            [(one.strategy, one.rule or f"{one.state}: {one.reason.partition(':')[0]}") for one in self.results]
        )

    def to_json(self, *, spent: bool = True) -> dict[str, Any]:
        """The object that `--json` prints.

        Args:
            spent: with what was paid for now; without it, equal results give equal objects.
        """
        data: dict[str, Any] = {"task": self.task, "model": self.model, "n": self.n}
        data["results"] = [row.to_json() for row in self.rows]
        data["remarks"] = list(self.caveats)
        if spent:
            data["spent"] = {
                "calls": self.spent.calls,
                "prompt_tokens": self.spent.prompt_tokens,
                "completion_tokens": self.spent.completion_tokens,
                "usd": None if self.spent.usd is None else round(self.spent.usd, 6),
            }
        return data

    def save(self, store: ResultsFolder) -> None:
        """Write `results.json` and `results.md` into the results folder."""
        store.write_file("results.json", json.dumps(self.to_json(spent=False), ensure_ascii=False, indent=2) + "\n")
        store.write_file("results.md", f"{self}\n")

    def __str__(self) -> str:
        said = self.names(self.verdict).replace("\n", "  \n")
        legend = "\n".join(f"- {one}" for one in self.names.legend)
        parts = [
            self.title,
            tables.markdown(self.rows, self.free),
            legend,
            said,
            self.names(format_caveats(self.caveats)),
        ]
        return "\n\n".join(filter(None, parts))

    def _repr_html_(self) -> str:
        stopped = f"<p><b>stopped: {escape(str(self.stopped))}</b></p>" if self.stopped else ""
        said = escape(self.names(self.verdict)).replace("\n", "<br>")
        picture = accuracy_figure(self.rows)
        said = f"<p>{escape(self.title)}</p>{tables.html(self.rows, self.free)}{picture}<p>{said}</p>"
        if self.caveats:
            said += f"<p>{TITLE}:</p><ul>{''.join(f'<li>{escape(self.names(one))}</li>' for one in self.caveats)}</ul>"
        return said + stopped
