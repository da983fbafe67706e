"""A report as one self-contained HTML file, which needs no server, no request and no other file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from reasoning.benchmarks.report import page_data
from reasoning.benchmarks.report.html_sections import SECTIONS, sections
from reasoning.benchmarks.report.page_selection import PageSelection
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.files import atomic_write
from reasoning.pages.resources import read_resource, style
from reasoning.tables import escape_html

_MAX_DETAILS = 2_000_000
_MAX_DATA = 4_000_000
"""The most bytes of packed answers, and of answers and traces, on a page that has not all problems of its run."""


def write_page(data: ReportData, path: Path, *, traces: bool = True) -> None:
    """Write the page atomically: an error leaves an existing file as it was.

    Args:
        data: the report.
        path: the file.
        traces: include prompts and replies, which make the file many times larger.

    Raises:
        InputError: the file cannot be written, or the folder's traces are damaged.
    """
    atomic_write(path, page_of(data, traces=traces))


def page_of(data: ReportData, *, traces: bool = True) -> Iterator[str]:
    """Yield the parts of the page; see `write_page`."""
    script, styles = read_resource("parts.js") + _read("page.js"), style() + _read("report.css")
    selection = PageSelection.of(data)
    details = page_data.pack(page_data.details(data, selection.problems))
    while not selection.is_whole and len(details) > _MAX_DETAILS:
        selection = selection.halved()
        details = page_data.pack(page_data.details(data, selection.problems))
    problems, size = selection.problems, len(details)
    html_by_id = sections(data, selection, traces)
    yield _head(data.comparison.title, script, styles)
    yield _top(data.comparison.title, list(html_by_id))
    yield "".join(
        f'<section id="{name}" aria-labelledby="h-{name}"><h2 id="h-{name}">{SECTIONS[name]}</h2>{inside}</section>'
        for name, inside in html_by_id.items()
    )
    yield "</main><footer>Made by reasoning bench report. Everything is in this file.</footer>" + _DIALOG
    yield _data("details", details)
    # The first problem of each group, and the first problem with a trace of each strategy.
    groups: list[int] = []
    prompts: dict[int, int] = {}
    for group, packed in page_data.Traces.of(data.folder, problems).packs(data, problems) if traces else ():
        size += len(packed)
        if not selection.is_whole and size > _MAX_DATA:
            break
        yield _data(f"traces-{len(groups)}", packed)
        groups.append(min(group))
        for problem, traces_of_problem in group.items():
            for strategy, _, _ in traces_of_problem:
                prompts.setdefault(strategy, problem)
    core = {"specs": data.specs, "names": list(data.names.by_spec.values()), "ids": problems, "groups": groups}
    core |= {"states": page_data.states(data, problems), "prompts": prompts}
    yield f'<script type="application/json" id="core">{page_data.embed_json(core)}</script>'
    yield f"<script>{script}</script></body></html>\n"


def _head(title: str, script: str, style: str) -> str:
    policy = f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; "
    policy += "base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en" data-theme="auto"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>{escape_html(title)}</title><style>{style}</style></head>"
    )


def _top(title: str, names: Sequence[str]) -> str:
    links = "".join(f'<li><a href="#{name}">{SECTIONS[name]}</a></li>' for name in names)
    themes = "".join(f"<option>{name}</option>" for name in ("auto", "light", "dark"))
    return (
        f'<body><a class="skip" href="#main">To the results</a><header><h1>{escape_html(title)}</h1>'
        '<div class="theme screen"><label for="theme">Colours</label> '
        f'<select id="theme">{themes}</select></div></header>'
        f'<nav aria-label="Parts of this report"><ul>{links}</ul></nav><main id="main" tabindex="-1">'
    )


_DIALOG = """
<dialog id="problem" aria-labelledby="name">
<div class="bar"><h2 id="name" tabindex="-1"></h2><span id="where" class="dim"></span>
<button class="plain" id="before">Previous</button><button class="plain" id="after">Next</button>
<button class="plain" id="close">Close</button></div>
<div class="inside" id="inside"><div class="asked" id="asked"></div>
<details id="choice" open><summary>Strategies side by side</summary>
<fieldset class="chips" id="chosen"><legend class="vh">Strategies side by side</legend></fieldset></details>
<div class="side" id="side" role="region" aria-label="Strategies side by side" tabindex="0"></div></div></dialog>
"""


def _data(name: str, content: str) -> str:
    return f'<script type="application/gzip" id="{name}">{content}</script>\n'


def _read(name: str) -> str:
    return (files("reasoning.benchmarks.report") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
