"""The comparison of strategies on the same problems: its numbers, its verdict, and its tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reasoning.benchmarks.analysis import inspect_results
from reasoning.benchmarks.analysis.caveats import TITLE, find_caveats, format_caveats
from reasoning.benchmarks.analysis.common_subset import CommonSubset, common_subset
from reasoning.benchmarks.analysis.figure import accuracy_figure
from reasoning.benchmarks.analysis.paired import PairedDifference, paired_differences
from reasoning.benchmarks.analysis.rows import to_frame, to_rows
from reasoning.benchmarks.analysis.score_table import ScoreTable
from reasoning.benchmarks.analysis.summary import StrategySummary, summarize
from reasoning.benchmarks.analysis.summary_table import render_summary, summary_html, summary_table
from reasoning.benchmarks.analysis.verdict import Verdict
from reasoning.benchmarks.analysis.worst_case import with_worst_cases
from reasoning.benchmarks.results.fitted import fitted_records
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.result_rows import ResultRows
from reasoning.benchmarks.results.result_table import rows_of
from reasoning.benchmarks.results.settings import short_model_name, task_title
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.runs.race import RaceRecord
from reasoning.benchmarks.tasks.problem_limit import ProblemLimit
from reasoning.engine.ledger import Spending
from reasoning.errors import MissingExtra, ReasoningError, UsageError
from reasoning.messages import Usage
from reasoning.notebook import running_cell
from reasoning.providers.server_use import ServerUse
from reasoning.tables import escape_html, escape_markdown, pluralize
from reasoning.text_safety import dump_json

if TYPE_CHECKING:
    import rich.table
    from pandas import DataFrame

    from reasoning.terminal_table import TerminalTable


@dataclass(frozen=True)
class Comparison:
    """A comparison of strategies on the same problems. Print it, or let a notebook show it.

    Attributes:
        task: the task's name.
        model: the model's name.
        n: the number of problems that were begun.
        rows: one summary for each strategy, in the order of the specs.
        spent: the usage that this run paid for; the rows also count draws from the journal.
        stopped: the error that ended the run early, if any.
        before: the spending of the run's earlier commands.
        left: what is left of the budget, such as "calls=3"; empty without a budget.
        selection: where the limit on the problems comes from, if it may have left some out.
        folder: the results folder, if there is one.
        results: all results, in order of the problems; any sequence of results becomes rows.
        free: the model costs no money.
        race: the record of the race, if there was one.
        caveats: the limits of the numbers, one sentence each; see `reasoning.benchmarks.analysis.caveats`.
        common: the solves on which strategies are compared; by default computed from the results.
        source: the results folder that the comparison was read from, if any.
        shown_in: the notebook's cell below which the comparison stands already, if any.
        servers: what each of several servers did in this run.
    """

    task: str
    model: str
    n: int
    rows: tuple[StrategySummary, ...]
    spent: Usage = field(default_factory=Usage)
    stopped: ReasoningError | None = None
    folder: Path | None = None
    results: ResultRows = field(default=(), repr=False)  # type: ignore[assignment]
    free: bool = False
    race: RaceRecord | None = None
    caveats: tuple[str, ...] = ()
    common: CommonSubset = field(default=None, repr=False, compare=False)  # type: ignore[assignment]
    source: ResultsFolder | None = field(default=None, repr=False, compare=False)
    before: Spending = field(default_factory=Spending, repr=False, compare=False)
    left: str = ""
    selection: ProblemLimit | None = field(default=None, repr=False, compare=False)
    shown_in: int | None = field(default=None, repr=False, compare=False)
    servers: tuple[ServerUse, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def from_folder(
        cls,
        folder: ResultsFolder,
        ids: Sequence[str] | None = None,
        specs: Sequence[str] | None = None,
        *,
        spent: Usage | None = None,
        stopped: ReasoningError | None = None,
        before: Spending | None = None,
        left: str = "",
        selection: ProblemLimit | None = None,
    ) -> Comparison:
        """Return the comparison of the results in a folder.

        Args:
            folder: the results.
            ids: only these problems, in this order; by default all.
            specs: only these strategies, in this order; by default all.
            spent: the usage that this run paid for.
            stopped: the error that ended the run early, if any.
            before: the spending of the run's earlier commands.
            left: what is left of the budget.
            selection: where the limit on the problems comes from.
        """
        ids = list(folder.examples) if ids is None else ids
        specs = folder.specs if specs is None else specs
        results = _in_order(folder.results.rows(), ids, specs)
        race = RaceRecord.from_metadata(folder.metadata, specs)
        stopped_by_race = race.stopped if race else {}
        common = common_subset(results, stopped_by_race)
        rows = tuple(summarize(results, specs, common, folder.examples, fitted_records(folder)))
        return cls(
            folder.settings["task"],
            folder.settings["model"],
            len(np.unique(results.data["problem"])),
            rows,
            spent or Usage(),
            stopped,
            folder.folder,
            results=results,
            free=bool(folder.metadata.get("free")),
            race=race,
            caveats=tuple(find_caveats(folder, results, rows, common, stopped_by_race)),
            common=common,
            source=folder,
            before=before or Spending(),
            left=left,
            selection=selection,
        )

    def __post_init__(self) -> None:
        object.__setattr__(self, "results", rows_of(self.results))
        if self.common is None:
            stopped = self.race.stopped if self.race else ()
            object.__setattr__(self, "common", common_subset(self.results, stopped))

    @cached_property
    def common_rows(self) -> tuple[StrategySummary, ...]:
        """The summaries of the compared strategies on the common subset, so that each counts the same solves."""
        return tuple(summarize(self.common.select(self.results), [row.strategy for row in self.rows], self.common))

    @cached_property
    def names(self) -> ShortNames:
        """The names of the strategies in tables and sentences."""
        return ShortNames.of(row.strategy for row in self.rows)

    @cached_property
    def pairs(self) -> tuple[PairedDifference, ...]:
        """The difference of each pair of compared strategies, on the problems that both answered."""
        answered = self.results.where(~self.results.failed)
        scores = ScoreTable.of_results(answered, answered.data["correct"])
        pairs = paired_differences(scores, [row.strategy for row in self.common_rows])
        return tuple(with_worst_cases(pairs, self.results))

    @cached_property
    def conclusion(self) -> Verdict:
        """The verdict with the numbers behind it, computed when it is first read."""
        return Verdict(self.rows, self.common_rows, self.pairs, self.common, self.race, self.results)

    @property
    def best(self) -> StrategySummary | None:
        """The strategy with the most right answers on the common subset, and among equals the fewest tokens."""
        return self.conclusion.best

    @property
    def against_best(self) -> tuple[PairedDifference, ...]:
        """The best strategy against every other compared strategy, the largest difference first."""
        return self.conclusion.against_best

    @cached_property
    def verdict(self) -> str:
        """The conclusion that the numbers support, in words."""
        return self.conclusion.text()

    @property
    def failed(self) -> list[Result]:
        """The results whose calls failed."""
        return list(self.results.where(self.results.failed))

    @property
    def title(self) -> str:
        """The task, the number of problems and the model, in one line."""
        epochs = 1 + int(self.results.data["epoch"].max(initial=0))
        # Stored with a run whose limit was the task's default: that limit, and the number of all problems.
        cut = self.source.metadata.get("default_limit") if self.source else None
        problems = pluralize(self.n, "problem")
        if self.selection:
            problems = self.selection.describe(self.n)
        elif isinstance(cut, list) and len(cut) == 2 and cut[0] == self.n and isinstance(cut[1], int):
            problems = f"{self.n:,} of {cut[1]:,} problems"
        problems += f" × {epochs} repetitions" if epochs > 1 else ""
        task = task_title(self.source.settings) if self.source else self.task
        return f"{task} · {problems} · {short_model_name(self.model)}"

    @property
    def hint(self) -> str:
        """The problems that the default limit left out, and how to run them; empty if it left out none."""
        return self.selection.hint(self.n) if self.selection else ""

    @cached_property
    def parse_rules(self) -> Mapping[str, Mapping[str, int]]:
        """The number of answers that each rule parsed, by rule and strategy, the most frequent rule first.

        A rule that starts with "unparsed" or "failed" gives the reason why there is no answer.
        """
        rules: dict[str, dict[str, int]] = {}
        data, names = self.results.data, self.results.names
        pairs = np.stack([data["rule"], data["strategy"]], axis=1)
        distinct, first, counts = np.unique(pairs, axis=0, return_index=True, return_counts=True)
        for place in np.argsort(first):
            rule, spec = distinct[place]
            rules.setdefault(names("rule")[rule], {})[names("strategy")[spec]] = int(counts[place])
        return dict(sorted(rules.items(), key=lambda item: -sum(item[1].values())))

    def table(self) -> TerminalTable:
        """Return the table of strategies for a terminal."""
        return render_summary(self.rows, self.free)

    def to_frame(self) -> DataFrame:
        """Return all results as a pandas DataFrame, one row each; docs/reference/result-columns.md lists its columns.

        Unknown values are missing (`pandas.NA`), not 0.

        Raises:
            UsageError: the results are not stored.
            MissingExtra: pandas is not installed.
        """
        if self.source is None:
            raise UsageError("this comparison has no stored results to show")
        return to_frame(to_rows(self.results, self.source))

    def frame(self) -> DataFrame:
        """Return the main columns of `to_frame`, with the plain types of numpy.

        Raises:
            MissingExtra: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise MissingExtra("a DataFrame", "bench", f"pandas ({error})") from None
        columns = ("problem", "strategy", "epoch", "state", "correct", "value", "rule", "reason", "confidence")
        usage = ("calls", "prompt_tokens", "completion_tokens", "reasoning_tokens", "usd", "seconds")
        parts = {"prompt_tokens": "tokens", "completion_tokens": "tokens", "reasoning_tokens": "tokens"}
        return pandas.DataFrame(
            [
                {name: getattr(result, name) for name in columns}
                | {
                    name: None if parts.get(name, name) in result.unrecorded else getattr(result.usage, name)
                    for name in usage
                }
                for result in self.results
            ]
        )

    def problem(self, name: str, *strategies: str) -> rich.table.Table:
        """Return one problem with strategies side by side, for a notebook: their answers, prompts and replies.

        Args:
            name: the problem's id, or a unique end of it.
            strategies: their specs, or unique beginnings of them; by default all.

        Raises:
            UnknownName: the problem or a strategy is unknown.
            UsageError: several ids have this end, or the results are not stored.
        """
        if self.source is None:
            raise UsageError("this comparison has no stored results to show")
        return inspect_results.side_by_side(self.source, name, strategies or [row.strategy for row in self.rows])

    def to_json(self, *, spent: bool = True) -> dict[str, Any]:
        """Return the object that `--json` prints.

        Args:
            spent: include the usage that this run paid for. Without it, equal results give equal objects.
        """
        data: dict[str, Any] = {"task": self.task, "model": self.model, "n": self.n}
        data["results"] = [row.to_json() for row in self.rows]
        data["remarks"] = list(self.caveats)
        data["verdict"] = self.verdict.splitlines()
        data["pairs"] = [_pair_json(pair) for pair in self.pairs]
        if spent:
            data |= {"spent": _usage_json(self.spent), "spent_before": _usage_json(self.before.total())}
            data |= {"servers": [use.to_json() for use in self.servers]} if self.servers else {}
        return data

    def save(self, folder: ResultsFolder) -> None:
        """Write `results.json` and `results.md` into a results folder, and the columns of many results."""
        folder.write_file("results.json", dump_json(self.to_json(spent=False), indent=2) + "\n")
        folder.write_file("results.md", f"{self}\n")
        folder.save_columns()

    def __str__(self) -> str:
        verdict = "  \n".join(map(escape_markdown, self.names(self.verdict).split("\n")))
        table = summary_table(self.rows, self.free)
        legend = "\n".join(f"- {escape_markdown(line)}" for line in table.legend)
        caveats = format_caveats([escape_markdown(self.names(caveat)) for caveat in self.caveats])
        head = [escape_markdown(self.title), escape_markdown(self.hint)]
        return "\n\n".join(filter(None, [*head, table.to_markdown(), legend, verdict, caveats]))

    def __repr__(self) -> str:
        return str(self)

    def _ipython_display_(self) -> None:
        """Show this comparison in a notebook, unless it stands below the running cell already."""
        from IPython.display import display

        if self.shown_in is None or self.shown_in != running_cell():
            display({"text/html": self._repr_html_(), "text/plain": str(self)}, raw=True)

    def _repr_html_(self) -> str:
        verdict = escape_html(self.names(self.verdict)).replace("\n", "<br>")
        table, figure = summary_html(self.rows, self.free), accuracy_figure(self.rows)
        hint = f"<p>{escape_html(self.hint)}</p>" if self.hint else ""
        html = f"<p>{escape_html(self.title)}</p>{hint}{table}{figure}<p>{verdict}</p>"
        if self.caveats:
            items = "".join(f"<li>{escape_html(self.names(caveat))}</li>" for caveat in self.caveats)
            html += f"<p>{TITLE}:</p><ul>{items}</ul>"
        return html + (f"<p><b>stopped: {escape_html(str(self.stopped))}</b></p>" if self.stopped else "")


def _in_order(rows: ResultRows, ids: Sequence[str], specs: Sequence[str]) -> ResultRows:
    """Return the results of these problems and strategies, by problem, repetition and strategy, in their order."""
    places = {}
    for column, texts in (("problem", ids), ("strategy", specs)):
        # The place of each name; -1 for one that is left out.
        order = np.full(len(rows.names(column)), -1)
        numbers = rows.numbers(column, texts)
        order[numbers[numbers >= 0]] = np.nonzero(numbers >= 0)[0]
        places[column] = order[rows.data[column]] if len(order) else rows.data[column]
    [wanted] = np.nonzero((places["problem"] >= 0) & (places["strategy"] >= 0))
    keys = places["strategy"][wanted], rows.data["epoch"][wanted], places["problem"][wanted]
    return rows.where(wanted[np.lexsort(keys)])


def _pair_json(pair: PairedDifference) -> dict[str, Any]:
    verdict = "withheld" if pair.is_withheld else "similar" if not pair.is_shown else "better"
    if verdict == "better" and pair.difference.value < 0:
        verdict = "worse"
    return {
        "first": pair.first,
        "second": pair.second,
        "n": pair.n,
        "difference": round(pair.difference.value, 4),
        "ci95": [round(pair.difference.low, 4), round(pair.difference.high, 4)],
        "p": pair.p_adjusted,
        "p_worst": pair.p_worst,
        "verdict": verdict,
    }


def _usage_json(usage: Usage) -> dict[str, Any]:
    usd = None if usage.usd is None else round(usage.usd, 6)
    tokens = {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}
    return {"calls": usage.calls, **tokens, "usd": usd}
