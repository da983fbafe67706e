"""Markdown tables of the measurements."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from perf.virtualenvs import REFERENCE
from perf.workload import WARM, WORKLOADS

from reasoning.tables import Table, escape_pipes

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
TITLES = {
    "W1": "W1: 500 calls of 200 ms, 32 in flight",
    "W2": "W2: 500 × 10 draws, each a request, 64 in flight",
    "W2n": "W2n: 500 × 10 draws, n = 10, 64 in flight",
    WARM: "W2 again, warm: every completion is cached",
    "W3": "W3: 3,000 calls, no latency, 64 in flight",
}


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return all tables for which there are measurements."""
    measured = [row for row in rows if "workload" in row]
    usual = [row for row in measured if row["in_flight"] == _default_in_flight(row)]
    parts = [_versions(measured)]
    for part, title in TITLES.items():
        if selected := [row for row in usual if row["workload"] == part]:
            parts.append(f"### {title}\n\n{_workload(selected)}")
    if any(row["in_flight"] != _default_in_flight(row) for row in measured):
        parts.append(
            f"### W1 with more in flight: wall seconds\n\n{_in_flight([r for r in measured if r['workload'] == 'W1'])}"
        )
    if selected := [row for row in rows if "import" in row]:
        parts.append(f"### Import\n\n{_imports(selected)}")
    if selected := [row for row in rows if "resume" in row]:
        parts.append(f"### Killed in the middle of W1, then run again\n\n{_resume(selected)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def put_into(document: Path, text: str) -> None:
    """Replace what stands between the two marks of a document.

    Raises:
        SystemExit: the marks are not there.
    """
    before, begin, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"error: {document} has no lines {BEGIN} and {END} for the figures to stand between")
    document.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def _workload(rows: list[dict[str, Any]]) -> str:
    reference = {row["round"]: row["cpu_s"] for row in rows if row["client"] == REFERENCE}
    table = []
    for client, runs in _by(rows, "client").items():
        ratios = [row["cpu_s"] / reference[row["round"]] for row in runs if row["round"] in reference]
        table.append(
            (
                client,
                len(runs),
                _spread(runs, lambda row: row["wall_s"], 2),
                _spread(runs, lambda row: 1000 * row["cpu_s"] / row["calls"], 3),
                f"{statistics.median(ratios):.1f}" if ratios else "",
                f"{statistics.median(row['calls'] / row['wall_s'] for row in runs):,.0f}",
                f"{statistics.median(row['peak_rss_mb'] for row in runs):.0f}",
                f"{statistics.median(row['server']['requests'] for row in runs):,.0f}",
            )
        )
    heads = ("client", "runs", "wall s", "CPU ms a call", f"× {REFERENCE}", "calls/s", "peak RSS MB", "requests seen")
    ideal = rows[0]["ideal_s"]
    return (f"Ideal wall: {ideal:.2f} s.\n\n" if ideal and rows[0]["workload"] != WARM else "") + _table(heads, table)


def _default_in_flight(row: dict[str, Any]) -> int:
    """Return the workload's own number of requests in flight."""
    return WORKLOADS["W2" if row["workload"] == WARM else row["workload"]].in_flight


def _in_flight(rows: list[dict[str, Any]]) -> str:
    counts = sorted({row["in_flight"] for row in rows})
    table = []
    for client, runs in _by(rows, "client").items():
        cells = []
        for count in counts:
            selected = [row for row in runs if row["in_flight"] == count]
            over = (
                f" (+{100 * (statistics.median(r['wall_s'] / r['ideal_s'] for r in selected) - 1):.0f} %)"
                if selected
                else ""
            )
            cells.append(_spread(selected, lambda row: row["wall_s"], 2) + over)
        table.append((client, *cells))
    ideal = rows[0]["ideal_s"]
    words = f"Ideal wall: {ideal:.2f} s in each column, since the questions scale with the requests in flight.\n\n"
    return words + _table(("client", *(f"{count} in flight" for count in counts)), table)


def _imports(rows: list[dict[str, Any]]) -> str:
    table = [
        (
            row["import"],
            f"{row['s']:.3f}",
            row.get("modules", ""),
            row.get("rss_mb", ""),
            ", ".join(row.get("with", ())),
        )
        for row in rows
    ]
    return _table(("", "s", "modules", "RSS MB", "brings along"), table)


def _resume(rows: list[dict[str, Any]]) -> str:
    heads = ("client", "temperature", "completions at the kill", "requests in all", "bought twice", "second run s")
    names = ("resume", "temperature", "at_kill", "requests", "bought_twice", "second_run_s")
    table = [
        (row["resume"], row["temperature"], row["failed"]) if "failed" in row else tuple(row[name] for name in names)
        for row in rows
    ]
    return _table(heads, table)


def _versions(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    days = sorted({row["date"] for row in rows})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    python, cores = (", ".join(sorted({str(row[name]) for row in rows})) for name in ("python", "cores"))
    version_of = {row["client"].partition(":")[0]: row["version"] for row in rows}
    versions = ", ".join(f"{name} {version}" for name, version in version_of.items())
    return f"{when}, Python {python}, {cores} cores. Versions: {versions}."


def _spread(rows: list[dict[str, Any]], value: Callable[[dict[str, Any]], float], digits: int) -> str:
    """min / median / max."""
    values = sorted(value(row) for row in rows)
    if len(values) < 2:
        return "".join(f"{number:.{digits}f}" for number in values)
    return f"{values[0]:.{digits}f} / **{statistics.median(values):.{digits}f}** / {values[-1]:.{digits}f}"


def _by(rows: Iterable[dict[str, Any]], name: str) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[name], []).append(row)
    return groups


def _table(heads: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    cells = [[*map(str, row), *[""] * (len(heads) - len(row))] for row in rows]
    return Table(heads, cells, text_columns=len(heads)).to_markdown(escape_pipes)
