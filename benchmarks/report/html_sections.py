"""The sections of the page that need no script: the verdict, tables and charts; and the frame of those that do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from reasoning.benchmarks.analysis.caveats import TITLE
from reasoning.benchmarks.report import charts
from reasoning.benchmarks.report.grid import Grid
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.report.tables import report_tables
from reasoning.display import strip_control

SECTIONS = {
    "verdict": "Verdict",
    "strategies": "Strategies",
    "differences": "Differences",
    "costs": "Cost",
    "draws": "Draws",
    "confidence": "Confidence",
    "agreement": "Agreement",
    "problems": "Problems",
    "readings": "Reading",
    "prompts": "Prompts",
    "run": "Run",
}
"""The sections of a page, in order, by their ids."""


def sections(found: ReportData, problems: Sequence[str], traces: bool) -> dict[str, str]:
    """What there is to show, by the names of `SECTIONS`."""
    made = {grid.name: grid for grid in report_tables(found)}
    key, best = _key(found), found.names(found.best.strategy) if found.best else ""
    shown = {"verdict": _verdict(found)}
    if "strategies" in made:
        shown["strategies"] = _table(made["strategies"], sortable=True)
        shown["strategies"] += _table(made["runs"]) if "runs" in made else ""
    if found.against_best:
        every = made.get("pairs")
        shown["differences"] = (
            f"<p>By how many points {escape_text(best)} is better than each other strategy, with 95 % intervals. "
            "Filled: told apart (p &lt; 0.05 after Holm's correction); hollow: not.</p>"
            + _figure(charts.differences(found))
            + _table(made["differences"])
            + (_folded(f"Every pair ({len(every.rows)})", _table(every, sortable=True)) if every else "")
        )
    if found.cost_frontiers:
        shown["costs"] = _costs(found, made, key)
    if found.vote_curves:
        shown["draws"] = _figure(charts.draws(found, found.vote_curves), key) + _table(made["draws"])
    if found.calibration:
        pair = _figure(charts.reliability(found, found.calibration)) + _figure(
            charts.selective(found, found.calibration)
        )
        shown["confidence"] = f'<div class="pair">{pair}</div>{key}{_table(made["confidence"])}'
    if "solved" in made:
        shown["agreement"] = _table(made["solved"]) + (_table(made["agreement"]) if "agreement" in made else "")
    if problems:
        shown["problems"] = _matrix(found)
        shown["readings"] = _table(made["readings"]) + key
        if traces:
            shown["prompts"] = _PROMPTS
    facts = "".join(f"<dt>{escape_text(name)}</dt><dd>{escape_text(value)}</dd>" for name, value in found.facts.items())
    shown["run"] = f"<dl>{facts}</dl>"
    return shown


def _verdict(found: ReportData) -> str:
    lines = "".join(f"<p>{escape_text(found.names(line))}</p>" for line in found.verdict if line != found.headline)
    limits = "".join(f"<li>{escape_text(found.names(one))}</li>" for one in found.remarks)
    remarks = f'<div class="remarks"><b>{TITLE}</b><ul>{limits}</ul></div>' if limits else ""
    return (
        f'<p class="headline">{escape_text(found.names(found.headline))}</p><div class="lines">{lines}</div>{remarks}'
    )


def _costs(found: ReportData, made: Mapping[str, Grid], key: str) -> str:
    options = "".join(f"<option>{one.measure}</option>" for one in found.cost_frontiers)
    parts = "".join(
        f'<div data-measure="{one.measure}">{_figure(charts.costs(found, one), key)}'
        f"{_table(made[f'budgets-{one.measure}']) if f'budgets-{one.measure}' in made else ''}</div>"
        for one in found.cost_frontiers
    )
    return (
        "<p>Accuracy against what a problem costs, on the problems that the strategies have in common. Filled and on "
        "the line: no other is as accurate for less.</p>"
        f'<p><label for="measure">Cost in</label> <select id="measure">{options}</select></p>{parts}'
    )


def _matrix(found: ReportData) -> str:
    of = "".join(
        f'<option value="{place}">{place + 1} {escape_text(name)}</option>'
        for place, name in enumerate(found.names.by_spec.values())
    )
    shows = "".join(f'<option value="{name}">{title}</option>' for name, title in _SHOWS.items())
    heads = "".join(
        f'<th scope="col" title="{escape_text(spec)}">{place} {escape_text(name)}</th>'
        for place, (spec, name) in enumerate(found.names.by_spec.items(), 1)
    )
    return (
        "<noscript><p>The problems need JavaScript; everything above does not.</p></noscript>"
        '<form class="filters" id="filters" role="search" aria-label="Problems">'
        f'<div><label for="show">Show</label><select id="show" name="show">{shows}</select></div>'
        '<div><label for="of">by</label><select id="of" name="of"><option value="">all strategies</option>'
        f"{of}</select></div>"
        '<div class="grow"><label for="text">with the text</label><input id="text" name="text" type="search" '
        'autocomplete="off" placeholder="in the problem, the answers, how they were read"></div></form>'
        '<output id="count" aria-live="polite" for="show of text">…</output>'
        '<div class="scroll" role="region" aria-label="Problems and strategies" tabindex="0"><table id="matrix">'
        '<caption class="vh">Each problem with every strategy’s answer; open one by its name.</caption>'
        f'<thead><tr><th scope="col">problem</th><th scope="col">target</th>{heads}</tr></thead><tbody></tbody>'
        "</table></div>"
        '<p class="note">✓ right · ✗ wrong · ? no answer could be read · ! a call did not come through · '
        "· not run. A click opens a problem beside its traces.</p>"
        '<div class="pager" id="pager" hidden><button class="plain" id="back">Back</button><span id="page"></span>'
        '<button class="plain" id="on">Next</button></div>'
    )


_BREAKS = re.compile(r"([_(,=])(?=\w)")
"""Where a spec may go on in the next line."""

_SHOWS = {
    "all": "all problems",
    "right": "only right",
    "wrong": "only wrong",
    "disagree": "disagree",
    "alone": "only one is right",
    "unparsed": "unparsed",
    "failed": "failed",
}

_PROMPTS = '<p>What each strategy sent on the first problem that it has a trace of.</p><div id="prompt-list"></div>'


def _table(grid: Grid, *, sortable: bool = False) -> str:
    def cell(tag: str, place: int, said: str, more: str = "") -> str:
        word = ' class="word short"' if place == 0 and grid.header[0] == "#" else ' class="word"'
        shown = _BREAKS.sub(r"\1<wbr>", escape_text(said)) if place < grid.words else escape_text(said)
        return f"<{tag}{word if place < grid.words else ''}{more}>{shown}</{tag}>"

    head = "".join(cell("th", place, title, ' scope="col"') for place, title in enumerate(grid.header))
    named = grid.words - 1 if grid.header[0] == "#" else 0  # the cell that names its row
    rows = []
    for number, row in enumerate(grid.rows):
        best = ' class="best"' if number in grid.bold else ""
        cells = [
            cell("th", place, said, ' scope="row"') if place == named else cell("td", place, said)
            for place, said in enumerate(row)
        ]
        rows.append(f"<tr{best}>{''.join(cells)}</tr>")
    kind = ' class="sortable"' if sortable else ""
    notes = [grid.note, *grid.legend]
    note = "".join(f'<p class="note">{escape_text(one)}</p>' for one in notes if one)
    return (
        f'<h3 id="t-{grid.name}">{escape_text(grid.title)}</h3>'
        f'<div class="scroll" role="region" aria-labelledby="t-{grid.name}" tabindex="0">'
        f'<table{kind} aria-labelledby="t-{grid.name}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{note}"
    )


def _figure(chart: str, key: str = "") -> str:
    return f"<figure>{chart}{key}</figure>"


def _folded(title: str, inside: str) -> str:
    return f"<details><summary>{escape_text(title)}</summary>{inside}</details>"


def _key(found: ReportData) -> str:
    """The numbers of the strategies, which the charts have."""
    items = "".join(f"<li><b>{number}</b> {escape_text(spec)}</li>" for number, spec in enumerate(found.specs, 1))
    return f'<ul class="key" aria-label="Numbers of the strategies">{items}</ul>'


def escape_text(said: str) -> str:
    """Text of a model, a data set or a person as HTML: none of it is markup, and what would hide is shown."""
    return escape(strip_control(said))
