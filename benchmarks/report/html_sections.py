"""The sections of the page: the static ones with text, tables and charts, and the frames that the script fills."""

from __future__ import annotations

from collections.abc import Mapping

from reasoning.benchmarks.analysis.caveats import TITLE
from reasoning.benchmarks.report import charts
from reasoning.benchmarks.report.page_selection import PageSelection
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.report.tables import report_tables
from reasoning.tables import Table, break_name, escape_html

SECTIONS = {
    "verdict": "Verdict",
    "strategies": "Strategies",
    "differences": "Differences",
    "costs": "Cost",
    "draws": "Draws",
    "confidence": "Confidence",
    "agreement": "Agreement",
    "problems": "Problems",
    "readings": "Parsing",
    "prompts": "Prompts",
    "run": "Run",
}
"""The titles of the sections by their ids, in order."""


def sections(data: ReportData, selection: PageSelection, traces: bool) -> dict[str, str]:
    """Return the sections that have content, as HTML by the ids of `SECTIONS`.

    Args:
        data: the report.
        selection: the problems that the page shows.
        traces: True if the page has prompts and replies.
    """
    tables = {table.name: table for table in report_tables(data)}
    best, key = data.comparison.best, _key(data)
    html = {"verdict": _verdict(data)}
    if "strategies" in tables:
        html["strategies"] = _table(tables["strategies"], sortable=True)
        html["strategies"] += _table(tables["repeatability"]) if "repeatability" in tables else ""
    if best and data.comparison.against_best:
        pairs = tables.get("pairs")
        html["differences"] = (
            f"<p>By how many points {escape_html(data.names(best.strategy))} is better than each other strategy, with "
            "95 % intervals. Filled: significant (p &lt; 0.05 after Holm's correction); hollow: not.</p>"
            + _side_by_side(_figure(charts.differences(data)), _table(tables["differences"]))
            + (_folded(f"Every pair ({len(pairs.rows)})", _table(pairs, sortable=True)) if pairs else "")
        )
    # The cost and the solved problems of one strategy are in the first table.
    if data.cost_frontiers and len(data.specs) > 1:
        html["costs"] = _costs(data, tables, key)
    if data.vote_curves:
        html["draws"] = _side_by_side(_figure(charts.vote_curves(data), key), _table(tables["vote-curves"]))
    if data.calibration:
        pair = _figure(charts.reliability(data)) + _figure(charts.selective(data))
        html["confidence"] = _side_by_side(f'<div class="pair">{pair}</div>{key}', _table(tables["calibration"]))
    if "solved" in tables and len(data.specs) > 1:
        html["agreement"] = _table(tables["solved"])
        if "agreement" in tables:
            # A column for each strategy needs the whole width.
            join = _side_by_side if len(data.specs) <= 8 else "{}{}".format
            html["agreement"] = join(html["agreement"], _table(tables["agreement"]))
    if selection.problems:
        html["problems"] = _matrix(data, selection)
        html["readings"] = _table(tables["parse-rules"]) + key
        if traces:
            html["prompts"] = _PROMPTS
    facts = "".join(f"<dt>{escape_html(name)}</dt><dd>{escape_html(value)}</dd>" for name, value in data.facts.items())
    html["run"] = f"<dl>{facts}</dl>"
    return html


def _verdict(data: ReportData) -> str:
    lines = "".join(f"<p>{_sentence(data, line)}</p>" for line in data.details)
    items = "".join(f"<li>{_sentence(data, caveat)}</li>" for caveat in data.comparison.caveats)
    caveats = f'<div class="remarks"><b>{TITLE}</b><ul>{items}</ul></div>' if items else ""
    headline = _sentence(data, data.headline)
    parts = _side_by_side(f'<div class="lines">{lines}</div>', caveats)
    return f'<p class="headline">{headline}</p>{parts}'


def _sentence(data: ReportData, text: str) -> str:
    """Return a sentence with short names, which a narrow page may break."""
    return break_name(escape_html(data.names(text)))


def _costs(data: ReportData, tables: Mapping[str, Table], key: str) -> str:
    options = "".join(f"<option>{frontier.measure}</option>" for frontier in data.cost_frontiers)
    parts = ""
    for frontier in data.cost_frontiers:
        name = f"budgets-{frontier.measure}"
        table = _table(tables[name]) if name in tables else ""
        inside = _side_by_side(_figure(charts.costs(data, frontier), key), table)
        parts += f'<div data-measure="{frontier.measure}"><h3 class="paper">In {frontier.measure}</h3>{inside}</div>'
    return (
        "<p>Accuracy against the cost of a problem, on the problems that the strategies have in common. Filled and on "
        "the line: no other is as accurate for less.</p>"
        f'<p class="screen"><label for="measure">Cost in</label> <select id="measure">{options}</select></p>{parts}'
    )


def _matrix(data: ReportData, selection: PageSelection) -> str:
    strategies = "".join(
        f'<option value="{index}">{index + 1} {escape_html(name)}</option>'
        for index, name in enumerate(data.names.by_spec.values())
    )
    filters = "".join(f'<option value="{name}">{title}</option>' for name, title in FILTERS.items())
    heads = "".join(
        f'<th scope="col" title="{escape_html(spec)}">{number} '
        f'<span class="strategy">{break_name(escape_html(name))}</span></th>'
        for number, (spec, name) in enumerate(data.names.by_spec.items(), 1)
    )
    # Paper has room for the numbers of many strategies, but not for their names.
    note = f'<p class="note">{escape_html(selection.note)}</p>' if selection.note else ""
    many, key = ' class="many"' if len(data.specs) > 6 else "", _key(data, "key paper")
    return (
        f"{note}<noscript><p>The problems need JavaScript; everything above does not.</p></noscript>"
        '<form class="filters" id="filters" role="search" aria-label="Problems">'
        f'<div><label for="show">Show</label><select id="show" name="show">{filters}</select></div>'
        '<div><label for="of">by</label><select id="of" name="of"><option value="">all strategies</option>'
        f"{strategies}</select></div>"
        '<div class="grow"><label for="text">with the text</label><input id="text" name="text" type="search" '
        'autocomplete="off" placeholder="in the problem, the answers, the parsing rules"></div></form>'
        '<output id="count" aria-live="polite" for="show of text">…</output>'
        f'{key if many else ""}<div class="scroll" role="region" aria-label="Problems and strategies" tabindex="0">'
        f'<table id="matrix"{many}>'
        '<caption class="vh">Each problem with every strategy’s answer; open one by its name.</caption>'
        f'<thead><tr><th scope="col">problem</th><th scope="col">target</th>{heads}</tr></thead><tbody></tbody>'
        "</table></div>"
        '<p class="note">✓ right · ✗ wrong · ? unparsed · ! a call failed · '
        '· not run. <span class="screen">A click opens a problem with its traces.</span>'
        '<span class="paper">The page itself shows each problem with its traces.</span></p>'
        '<div class="pager" id="pager" hidden><button class="plain" id="back">Back</button><span id="page"></span>'
        '<button class="plain" id="on">Next</button></div>'
    )


FILTERS = {
    "all": "all problems",
    "right": "only right",
    "wrong": "only wrong",
    "disagree": "disagree",
    "alone": "only one is right",
    "unparsed": "unparsed",
    "failed": "failed",
}
"""The titles of the filters of the problems by name."""

_PROMPTS = (
    '<p>The prompts of each strategy for the first problem that has a trace of it.</p><div id="prompt-list"></div>'
)


def _table(table: Table, *, sortable: bool = False) -> str:
    row_header = table.text_columns - 1 if table.header[0] == "#" else 0
    attributes = (' class="sortable"' if sortable else "") + f' aria-labelledby="t-{table.name}"'
    html = table.to_html(inline_styles=False, attributes=attributes, row_header=row_header)
    notes = f'<p class="note">{escape_html(table.note)}</p>' if table.note else ""
    if table.legend:
        items = "".join(f"<li>{break_name(escape_html(line))}</li>" for line in table.legend)
        notes += f'<ul class="note legend" aria-label="Short names">{items}</ul>'
    return (
        f'<h3 id="t-{table.name}">{escape_html(table.title)}</h3>'
        f'<div class="scroll" role="region" aria-labelledby="t-{table.name}" tabindex="0">{html}</div>{notes}'
    )


def _figure(chart: str, key: str = "") -> str:
    return f"<figure>{chart}{key}</figure>"


def _side_by_side(first: str, second: str) -> str:
    """Return two parts that are next to each other where the page is wide."""
    return f'<div class="columns"><div>{first}</div><div>{second}</div></div>' if second else first


def _folded(title: str, inside: str) -> str:
    return f"<details><summary>{escape_html(title)}</summary>{inside}</details>"


def _key(data: ReportData, kind: str = "key") -> str:
    """Return the list of the strategies with their numbers in the charts."""
    names = data.names.by_spec.values()
    items = "".join(f"<li><b>{number}</b> {break_name(escape_html(name))}</li>" for number, name in enumerate(names, 1))
    return f'<ul class="{kind}" aria-label="Numbers of the strategies">{items}</ul>'
