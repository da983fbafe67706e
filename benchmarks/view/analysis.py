"""The tables, the verdict and the charts of an open run, computed in the background and kept while nothing changes."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from reasoning.benchmarks.analysis.caveats import TITLE
from reasoning.benchmarks.report import charts
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.report.tables import report_tables
from reasoning.benchmarks.view.live_run import LiveRun
from reasoning.errors import MissingExtra, ReasoningError
from reasoning.tables import Table

_PAUSE = 2
"""Between two computations of a growing run is a pause of twice as long as one took."""
_one_at_a_time = threading.Lock()
"""Matplotlib's settings are those of the process, and a second computation would only slow the first one down."""


@dataclass(frozen=True)
class Findings:
    """The findings on one version of a run.

    Attributes:
        version: the version of the run.
        page: the verdict and the tables as plain data.
        report: the data of the report; None if it could not be computed.
    """

    version: int
    page: dict[str, Any]
    report: ReportData | None


class Analysis:
    """The findings on a run.

    Args:
        run: the run.
    """

    def __init__(self, run: LiveRun) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._findings: Findings | None = None
        self._thread: threading.Thread | None = None
        self._not_before = 0.0
        self._charts: tuple[int, list[dict[str, str]]] | None = None

    def latest(self) -> Findings | None:
        """Return the newest findings, and compute newer ones in the background if the run has changed."""
        with self._lock:
            found = self._findings
            is_stale = found is None or found.version != self._run.version
            is_busy = self._thread is not None and self._thread.is_alive()
            if is_stale and not is_busy and not self._run.is_reading and time.monotonic() >= self._not_before:
                self._thread = threading.Thread(target=self._compute, daemon=True, name="reasoning-view-analysis")
                self._thread.start()
            return found

    def current(self) -> Findings:
        """Return the findings on the present version, and wait for them."""
        if self._findings is None or self._findings.version != self._run.version:
            self._compute()
        assert self._findings is not None
        return self._findings

    def charts(self) -> list[dict[str, str]]:
        """Return the charts of the present version: titles, and SVG in which all text is escaped.

        Raises:
            ReasoningError: they cannot be drawn.
        """
        found = self.current()
        if found.report is None:
            return []
        if self._charts is None or self._charts[0] != found.version:
            with _one_at_a_time:
                self._charts = found.version, _draw(found.report)
        return self._charts[1]

    def _compute(self) -> None:
        with _one_at_a_time:
            begun, version, report = time.monotonic(), self._run.version, None
            try:
                report = ReportData.from_folder(self._run.snapshot())
                page = _page(report)
            except ModuleNotFoundError as error:
                page = {"error": str(MissingExtra("the tables", "bench", str(error.name)))}
            except (ReasoningError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
                # The folder may hold anything.
                reason = str(error) if isinstance(error, ReasoningError) else f"{type(error).__name__}: {error}"
                page = {"error": f"the tables cannot be computed: {reason}"}
            with self._lock:
                self._findings = Findings(version, page, report)
                self._not_before = time.monotonic() + _PAUSE * (time.monotonic() - begun)


def load_packages() -> None:
    """Import the packages that the tables need, so that the first page does not wait for them."""
    with suppress(ImportError):
        import scipy.stats  # noqa: F401


def table_json(table: Table) -> dict[str, Any]:
    """Return a table as plain data."""
    return {
        "name": table.name,
        "title": table.title,
        "header": list(table.header),
        "rows": [list(map(str, row)) for row in table.rows],
        "note": table.note,
        "legend": list(table.legend),
        "text_columns": table.text_columns,
        "emphasized": sorted(table.emphasized),
    }


def _page(report: ReportData) -> dict[str, Any]:
    names = report.names
    return {
        "headline": names(report.headline),
        "details": [names(line) for line in report.details],
        "caveats_title": TITLE,
        "caveats": [names(caveat) for caveat in report.comparison.caveats],
        "tables": [table_json(table) for table in report_tables(report)],
        "rows": [{**row.to_json(), "best": row.best} for row in report.comparison.rows],
    }


def _draw(report: ReportData) -> list[dict[str, str]]:
    drawn = []
    if report.comparison.best and report.comparison.against_best:
        best = report.names(report.comparison.best.strategy)
        drawn.append((f"By how many points {best} is better", charts.differences(report)))
    drawn += [
        (f"Accuracy against {frontier.measure} per problem", charts.costs(report, frontier))
        for frontier in report.cost_frontiers
    ]
    if report.vote_curves:
        drawn.append(("How many draws to vote over", charts.vote_curves(report)))
    if report.calibration:
        drawn.append(("Accuracy by confidence", charts.reliability(report)))
        drawn.append(("Accuracy if only confident answers are given", charts.selective(report)))
    return [{"title": title, "svg": svg} for title, svg in drawn]
