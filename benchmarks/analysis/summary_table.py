"""The table of strategies, and the table of the rules that parsed their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.tables import Table, escape_html

if TYPE_CHECKING:
    from reasoning.terminal_table import TerminalTable

HEADER = (
    *("strategy", "accuracy", "95 %", "unparsed", "failed"),
    *("calls", "prompt tokens", "completion tokens", "cost", "s/problem"),
)
"""The columns. Calls, tokens and cost are totals; "s/problem" is `StrategySummary.seconds`."""

_PRIORITY = ("accuracy", "95 %", "n", "cost", "calls", "unparsed", "failed", "completion tokens")
"""The columns that matter most, for narrow terminals."""


def summary_cells(row: StrategySummary, free: bool) -> tuple[str, ...]:
    """Return the cells of one strategy, in the order of `HEADER`.

    Args:
        row: the numbers.
        free: the model costs no money.
    """
    usage, (low, high) = row.usage, row.interval
    return (
        row.strategy,
        f"{100 * row.accuracy:.1f} %" if row.n else "–",
        f"{100 * low:.0f}–{100 * high:.0f}" if row.n else "–",
        *map(_count, (row.unparsed, row.failed, usage.calls, usage.prompt_tokens, usage.completion_tokens)),
        "local" if free else "unknown" if usage.usd is None else f"${usage.usd:.4f}",
        f"{row.seconds:.1f}",
    )


def summary_table(rows: Sequence[StrategySummary], free: bool) -> Table:
    """Return the table of strategies, with the best emphasized and a column for n if it differs.

    Strategies have short names, which the legend explains.

    Args:
        rows: the numbers, in order.
        free: the model costs no money.
    """
    names = ShortNames.of(row.strategy for row in rows)
    cells = [(names.by_spec[row.strategy], *summary_cells(row, free)[1:]) for row in rows]
    header: tuple[str, ...] = HEADER
    if len({row.n for row in rows}) > 1:
        header = (HEADER[0], "n", *HEADER[1:])
        cells = [(name, _count(row.n), *others) for row, (name, *others) in zip(rows, cells, strict=True)]
    return Table(
        header,
        cells,
        emphasized={index for index, row in enumerate(rows) if row.best},
        legend=tuple(names.legend),
        priority=_PRIORITY,
        all_columns="A wider terminal shows all; `reasoning bench report DIR --write FILE.csv` writes all.",
    )


_USAGE = ("calls", "prompt_tokens", "completion_tokens", "usd", "seconds")


def numbers_table(rows: Sequence[StrategySummary]) -> Table:
    """Return the numbers of the strategies with full precision, for CSV: totals; unknown values are None.

    Args:
        rows: the numbers, in order.
    """
    cells = []
    for row in rows:
        accuracy = (row.accuracy, *row.interval) if row.n else (None, None, None)
        usage = (getattr(row.usage, name) for name in _USAGE)
        cells.append((row.strategy, row.n, row.correct, *accuracy, row.unparsed, row.failed, *usage))
    header = ("strategy", "n", "correct", "accuracy", "low", "high", "unparsed", "failed", *_USAGE)
    return Table(header, cells)


def render_summary(rows: Sequence[StrategySummary], free: bool) -> TerminalTable:
    """Return the table of strategies for a terminal; the best are bold with a star.

    Args:
        rows: the numbers, in order.
        free: the model costs no money.
    """
    table = summary_table(rows, free)
    starred = [
        (f"{name} ★" if index in table.emphasized else name, *others)
        for index, (name, *others) in enumerate(table.rows)
    ]
    return replace(table, rows=starred).to_rich(emphasis="bold green")


def summary_html(rows: Sequence[StrategySummary], free: bool) -> str:
    """Return the table of strategies and its legend for a notebook.

    Args:
        rows: the numbers, in order.
        free: the model costs no money.
    """
    table = summary_table(rows, free)
    return table.to_html() + "".join(f"<div>{escape_html(line)}</div>" for line in table.legend)


def parse_rule_table(counts: Mapping[str, Mapping[str, int]], specs: Sequence[str]) -> Table:
    """Return the table of the number of answers that each rule parsed, with strategies as numbered columns.

    Args:
        counts: the number of answers by rule and strategy.
        specs: the strategies in the order of the columns, which are numbered from 1.
    """
    return Table(
        ("rule", *(str(number) for number in range(1, len(specs) + 1))),
        [(rule, *(f"{by_spec.get(spec, 0) or '·'}" for spec in specs)) for rule, by_spec in counts.items()],
        title="Parsing rules",
        name="parse-rules",
        note="Columns are strategies by number. A rule with 'unparsed' or 'failed' gave no answer.",
    )


def _count(number: int) -> str:
    return f"{number:,}" if number < 100_000 else f"{number / 1000:,.0f}k"
