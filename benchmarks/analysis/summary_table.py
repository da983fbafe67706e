"""The table of strategies, and the table of the rules that parsed their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.messages import Usage
from reasoning.tables import Table, escape_html, pluralize

if TYPE_CHECKING:
    from reasoning.terminal_table import TerminalTable

HEADER = (
    *("strategy", "accuracy", "95 %", "unparsed", "failed"),
    *("calls", "prompt tokens", "completion tokens", "cost", "s/problem"),
)
"""The columns. Calls, tokens and cost are totals; "s/problem" is `StrategySummary.seconds`."""

FITTING = ("fitting cost", "fitting tokens")
"""The column for the cost of fitting, in money or else in tokens, which is there if a strategy was fitted."""

THOUGHT = "thought tokens"
"""The column for the completion tokens that were thought, which is there if any were."""

UNKNOWN = "unknown"
"""The cell of a part of the usage that was not recorded."""

CACHED, WRITTEN = "cached tokens", "cache writes"
"""The columns for the prompt tokens that came from the provider's cache or were written to it, if any were and cost."""

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
        *map(_count, (row.unparsed, row.failed)),
        _count(usage.calls) if row.knows("calls") else UNKNOWN,
        *(
            _count(count) if row.knows("tokens") else UNKNOWN
            for count in (usage.prompt_tokens, usage.completion_tokens)
        ),
        "local" if free else UNKNOWN if usage.usd is None else f"${usage.usd:.4f}",
        f"{row.seconds:.1f}" if row.knows("seconds") else UNKNOWN,
    )


def summary_table(rows: Sequence[StrategySummary], free: bool) -> Table:
    """Return the table of strategies, with the best emphasized.

    It has columns for metrics, for n if it differs, and for the cost of fitting if a strategy was fitted.
    The legend explains the strategies' short names, the metrics and what was learned from.

    Args:
        rows: the numbers, in order.
        free: the model costs no money.
    """
    names = ShortNames.of(row.strategy for row in rows)
    metrics = dict.fromkeys(metric.title for row in rows for metric in row.metrics)
    counted = _counted(rows, free)
    cells: list[tuple[str, ...]] = []
    for row in rows:
        _, accuracy, interval, *others = summary_cells(row, free)
        for place, _, name in counted:
            others.insert(place, _count(getattr(row.usage, name)))
        own = {metric.title: metric.cell() for metric in row.metrics}
        shown = (own.get(title, "–") for title in metrics)
        cells.append((names.by_spec[row.strategy], accuracy, interval, *shown, *others))
    columns = list(HEADER[3:])
    for place, title, _ in counted:
        columns.insert(place, title)
    header: tuple[str, ...] = (*HEADER[:3], *metrics, *columns)
    fitting = []
    if fits := [row.fit_usage for row in rows if row.fit_usage is not None]:
        is_priced = not free and all(usage.usd is not None for usage in fits)
        fitting = [FITTING[0 if is_priced else 1]]
        header = (*header, *fitting)
        cells = [(*own, _fit_cell(row.fit_usage, is_priced)) for row, own in zip(rows, cells, strict=True)]
    if len({row.n for row in rows}) > 1:
        header = (header[0], "n", *header[1:])
        cells = [(name, _count(row.n), *others) for row, (name, *others) in zip(rows, cells, strict=True)]
    return Table(
        header,
        cells,
        emphasized={index for index, row in enumerate(rows) if row.best},
        legend=(*names.legend, *metric_legend(rows), *fit_legend(rows), *token_legend(rows, free)),
        priority=(*_PRIORITY[:2], *metrics, *fitting, *_PRIORITY[2:], *(title for _, title, _ in counted)),
        all_columns="A wider terminal shows all; `reasoning bench report DIR --write FILE.csv` writes all.",
    )


def metric_legend(rows: Sequence[StrategySummary]) -> list[str]:
    """Return the definition of each metric that the rows have."""
    about = {metric.title: metric.about for row in rows for metric in row.metrics}
    return [f"{title}: {text}" for title, text in about.items()]


def token_legend(rows: Sequence[StrategySummary], free: bool) -> list[str]:
    """Return the meaning of the columns for tokens that are there only if there are such tokens."""
    about = {
        THOUGHT: "part of the completion tokens, as the server counts them, or estimated from its thoughts.",
        CACHED: "part of the prompt tokens, read from the provider's cache at a lower price.",
        WRITTEN: "part of the prompt tokens, written to the provider's cache at a higher price.",
    }
    shown = {title for _, title, _ in _counted(rows, free)}
    return [f"{title}: {text}" for title, text in about.items() if title in shown]


def _counted(rows: Sequence[StrategySummary], free: bool) -> list[tuple[int, str, str]]:
    """Return the place, the title and the count of the columns that are there only if there are such tokens.

    The places are those at which one after the other is inserted.
    """
    columns = [(_AFTER_COMPLETION, THOUGHT, "reasoning_tokens")]
    if not free:
        columns += [(_AFTER_PROMPT, WRITTEN, "cache_write_tokens"), (_AFTER_PROMPT, CACHED, "cached_tokens")]
    return [column for column in columns if any(getattr(row.usage, column[2]) for row in rows)]


def fit_legend(rows: Sequence[StrategySummary]) -> list[str]:
    """Return what each fitted strategy has learned from, once."""
    records = dict.fromkeys(record for row in rows for record in row.fitted)
    names = ShortNames.of(record.learner for record in records)
    lines = []
    for record in records:
        calls = pluralize(record.usage.calls, "call")
        learned = f"{names.by_spec[record.learner]} learned with {calls} from {record.pool}"
        lines.append("; ".join(filter(None, [learned, record.note, record.file and f"see {record.file}"])))
    return ["Fitting comes before the first problem; the other columns do not have its cost.", *lines] if lines else []


def _fit_cell(usage: Usage | None, is_priced: bool) -> str:
    if usage is None:
        return "–"
    return f"${usage.usd:.4f}" if is_priced else _count(usage.prompt_tokens + usage.completion_tokens)


_USAGE = ("calls", "prompt_tokens", "completion_tokens", "usd", "seconds")
_PARTS = {"prompt_tokens": "tokens", "completion_tokens": "tokens"}
"""The parts of the usage that are unknown together; see `StrategySummary.unrecorded`."""


_AFTER_PROMPT, _AFTER_COMPLETION = (HEADER[3:].index(f"{part} tokens") + 1 for part in ("prompt", "completion"))


def numbers_table(rows: Sequence[StrategySummary]) -> Table:
    """Return the numbers of the strategies with full precision, for CSV: totals; unknown values are None.

    Args:
        rows: the numbers, in order.
    """
    metrics = dict.fromkeys(metric.name for row in rows for metric in row.metrics)
    fit = _USAGE if any(row.fitted for row in rows) else ()
    counts = ("reasoning_tokens", "cached_tokens", "cache_write_tokens")
    thought = [name for name in counts if any(getattr(row.usage, name) for row in rows)]
    cells: list[tuple[Any, ...]] = []
    for row in rows:
        accuracy = (row.accuracy, *row.interval) if row.n else (None, None, None)
        usage = (getattr(row.usage, name) if row.knows(_PARTS.get(name, name)) else None for name in _USAGE)
        own = {metric.name: metric.value for metric in row.metrics}
        cells.append(
            (
                *(row.strategy, row.n, row.correct, *accuracy, row.unparsed, row.failed, *usage),
                *map(own.get, metrics),
                *(getattr(row.usage, name) for name in thought),
                *(getattr(row.fit_usage, name, None) for name in fit),
            )
        )
    header = (
        *("strategy", "n", "correct", "accuracy", "low", "high", "unparsed", "failed", *_USAGE, *metrics),
        *thought,
        *(f"fit_{name}" for name in fit),
    )
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
