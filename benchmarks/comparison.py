"""What a comparison found: the rows, the verdict, and their pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import table as tables
from benchmarks.figure import accuracies
from benchmarks.pairs import outcomes
from benchmarks.result import Result
from benchmarks.rows import Row, rows
from benchmarks.settings import short_name
from benchmarks.store import Store
from benchmarks.verdict import verdict
from reasoning.errors import MissingExtra, ReasoningError
from reasoning.llm.request import Usage

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
        n: how many problems were asked.
        rows: one for each strategy, in the order in which they were asked for.
        spent: what was paid for now; the rows count what was used.
        stopped: what ended the run before its end, or None.
        folder: where the results are kept, if they are.
        results: every single result.
        free: whether the model costs no money.
        raced: what racing stopped, in words; empty where there was no race.
    """

    task: str
    model: str
    n: int
    rows: tuple[Row, ...]
    spent: Usage = field(default_factory=Usage)
    stopped: ReasoningError | None = None
    folder: Path | None = None
    results: tuple[Result, ...] = field(default=(), repr=False)
    free: bool = False
    raced: str = ""

    @classmethod
    def of(
        cls,
        store: Store,
        ids: Sequence[str] | None = None,
        specs: Sequence[str] | None = None,
        *,
        spent: Usage | None = None,
        stopped: ReasoningError | None = None,
    ) -> Comparison:
        """What a store holds: every problem that was begun, or these problems and strategies."""
        begun = {key.problem for key in store.results}
        ids = [problem for problem in store.examples if problem in begun] if ids is None else ids
        specs = store.specs if specs is None else specs
        place = {problem: number for number, problem in enumerate(ids)}
        wanted = set(specs)
        results = tuple(
            sorted(
                (one for one in store.results.values() if one.problem in place and one.strategy in wanted),
                key=lambda one: (place[one.problem], one.epoch, specs.index(one.strategy)),
            )
        )
        return cls(
            *(store.settings["task"], store.settings["model"], len(ids), tuple(rows(results, specs))),
            *(spent or Usage(), stopped, store.folder, results),
            free=bool(store.about.get("free")),
            raced=_race(store.about.get("raced") or {}, specs, len(results)),
        )

    @cached_property
    def verdict(self) -> str:
        """What can be told apart, in words; worked out when somebody reads it."""
        return "\n".join(filter(None, [verdict(self.rows, outcomes(self.results)), self.raced]))

    @property
    def failed(self) -> list[Result]:
        """The results whose calls did not come through."""
        return [result for result in self.results if result.failed]

    @property
    def title(self) -> str:
        """What was compared, in a line."""
        epochs = 1 + max((result.epoch for result in self.results), default=0)
        problems = f"{self.n} problem{'' if self.n == 1 else 's'}" + (f" × {epochs} repetitions" if epochs > 1 else "")
        return f"{self.task} · {problems} · {short_name(self.model)}"

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
                    **{name: getattr(one, name) for name in ("how", "why", "confidence")},
                    **{name: getattr(one.usage, name) for name in used},
                }
                for one in self.results
            ]
        )

    def readings(self) -> RenderableType:
        """How often each rule read an answer, by strategy, and why there was none; for the terminal."""
        return tables.readings(
            [(one.strategy, one.how or f"{one.state}: {one.why.partition(':')[0]}") for one in self.results]
        )

    def to_json(self, *, spent: bool = True) -> dict[str, Any]:
        """The object that `--json` prints.

        Args:
            spent: with what was paid for now; without it, equal results give equal objects.
        """
        data: dict[str, Any] = {"task": self.task, "model": self.model, "n": self.n}
        data["results"] = [row.to_json() for row in self.rows]
        if spent:
            data["spent"] = {
                "calls": self.spent.calls,
                "prompt_tokens": self.spent.prompt_tokens,
                "completion_tokens": self.spent.completion_tokens,
                "usd": None if self.spent.usd is None else round(self.spent.usd, 6),
            }
        return data

    def save(self, store: Store) -> None:
        """Write `results.json` and `results.md` into the results folder."""
        store.write("results.json", json.dumps(self.to_json(spent=False), ensure_ascii=False, indent=2) + "\n")
        store.write("results.md", f"{self}\n")

    def __str__(self) -> str:
        parts = [self.title, tables.markdown(self.rows, self.free), self.verdict]
        return "\n\n".join(part.replace("\n", "  \n") if part is self.verdict else part for part in parts)

    def _repr_html_(self) -> str:
        stopped = f"<p><b>stopped: {escape(str(self.stopped))}</b></p>" if self.stopped else ""
        said = escape(self.verdict).replace("\n", "<br>")
        picture = accuracies(self.rows)
        return f"<p>{escape(self.title)}</p>{tables.html(self.rows, self.free)}{picture}<p>{said}</p>{stopped}"


def _race(raced: Mapping[str, Any], specs: Sequence[str], run: int) -> str:
    """What racing stopped, and what that saved; empty where there was no race."""
    out = {spec: after for spec, after in raced.get("out", {}).items() if spec in specs}
    if not out:
        return "Racing stopped nobody: all are still in the running." if raced else ""
    told = ", ".join(f"{spec} after {after}" for spec, after in out.items())
    return (
        f"Racing (a margin of {raced['points']:g} points) stopped {told} problems: {run} results were made rather than "
        f"{raced['of'] * len(specs)}."
    )
