"""The table: for the terminal, as Markdown, and as HTML for a notebook. All of them show the same cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from reasoning.benchmarks.analysis.paired import PairedDifference
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.results.short_names import ShortNames, WrappedName
from reasoning.display import strip_control

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

HEADER = ("strategy", "accuracy", "95 %", "unparsed", "failed", "calls", "tokens in", "tokens out", "cost", "s each")
"""The columns. Calls, tokens and cost are totals; "s each" is `StrategySummary.seconds`. See also `filled`."""

_BREAKS = {"accuracy": "accu-\nracy", "unparsed": "un-\nparsed", "failed": "fail-\ned", "s each": "s\neach"}


def cells(row: StrategySummary, free: bool) -> tuple[str, ...]:
    """One row's cells.

    Args:
        row: the numbers.
        free: whether the model costs no money.
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


def filled(rows: Sequence[StrategySummary], free: bool) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The titles of the columns and the cells; with a column for n where the rows differ in it.

    Strategies are called by their names; `ShortNames.legend` says what these stand for.
    """
    names = ShortNames.of(row.strategy for row in rows)
    shown = [(names.by_spec[first], *others) for first, *others in (cells(row, free) for row in rows)]
    if len({row.n for row in rows}) < 2:
        return HEADER, shown
    return (HEADER[0], "n", *HEADER[1:]), [
        (first, _count(row.n), *others) for row, (first, *others) in zip(rows, shown, strict=True)
    ]


def p_value(p: float) -> str:
    """A p-value as a cell."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def numbers(pair: PairedDifference) -> tuple[str, str, str]:
    """The difference in points, its interval, and p with Holm's correction."""
    found = pair.difference
    value = round(100 * found.value, 1) + 0.0  # nothing has no minus
    return f"{value:+.1f}", f"{round(100 * found.low):+d} to {round(100 * found.high):+d}", p_value(pair.p_adjusted)


def many(count: int, what: str) -> str:
    """Such as "1 problem" and "2 problems"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def bare() -> Table:
    """An empty table without rules, as the commands show them."""
    from rich.table import Table

    return Table(box=None, padding=(0, 2, 0, 0), header_style="bold")


def terminal(rows: Sequence[StrategySummary], free: bool) -> Table:
    """A `rich` table; the best in bold with a star."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")  # no rules: 80 columns are few
    header, lines = filled(rows, free)
    for title in header:
        first = title == header[0]
        heading = _BREAKS.get(title, title).replace("tokens ", "tokens\n")
        table.add_column(heading, justify="left" if first else "right", no_wrap=not first, overflow="fold")
    for row, (name, *numbers) in zip(rows, lines, strict=True):
        shown = WrappedName(f"{name} ★" if row.best else name)
        table.add_row(shown, *map(Text, numbers), style="bold green" if row.best else "")
    return table


def readings(found: Sequence[tuple[str, str]]) -> RenderableType:
    """How often each rule read an answer, from pairs of strategy and rule: strategies in numbered columns."""
    from rich.console import Group
    from rich.text import Text

    specs = list(dict.fromkeys(spec for spec, _ in found))
    table = bare()
    table.add_column("", overflow="fold")
    for number in range(1, len(specs) + 1):
        table.add_column(f"({number})", justify="right")
    counts = Counter(found)
    for rule, _ in Counter(rule for _, rule in found).most_common():
        table.add_row(Text(strip_control(rule)), *(f"{counts[spec, rule] or '·'}" for spec in specs))
    return Group(*(Text(f"({number}) {spec}") for number, spec in enumerate(specs, 1)), table)


def markdown(rows: Sequence[StrategySummary], free: bool) -> str:
    """A Markdown table; the best in bold."""
    header, filling = filled(rows, free)
    lines = [_line(header), _line(["---", *["---:"] * (len(header) - 1)])]
    for row, cells in zip(rows, filling, strict=True):
        shown = [cell.replace("|", r"\|") for cell in cells]
        lines.append(_line([f"**{cell}**" for cell in shown] if row.best else shown))
    return "\n".join(lines)


def html(rows: Sequence[StrategySummary], free: bool) -> str:
    """An HTML table for a notebook."""
    header, filling = filled(rows, free)
    body = "".join(
        f"<tr{' style=font-weight:bold' if row.best else ''}>{_cells(cells, 'td')}</tr>"
        for row, cells in zip(rows, filling, strict=True)
    )
    legend = "".join(f"<div>{escape(one)}</div>" for one in ShortNames.of(row.strategy for row in rows).legend)
    return f"<table><thead><tr>{_cells(header, 'th')}</tr></thead><tbody>{body}</tbody></table>{legend}"


def _count(number: int) -> str:
    return f"{number:,}" if number < 100_000 else f"{number / 1000:,.0f}k"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(cells: Sequence[str], tag: str) -> str:
    return "".join(
        f"<{tag} style=text-align:{'right' if place else 'left'}>{escape(cell)}</{tag}>"
        for place, cell in enumerate(cells)
    )
