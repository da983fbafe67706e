"""The page docs/reference/techniques-by-task.md: what papers report of techniques for a task, and what was measured."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from reasoning.registry import get
from technique_pages.card import papers, title
from technique_pages.markdown import code, link, prose, table
from technique_pages.measurements import REFERENCE
from technique_pages.sections import Row, Section
from technique_pages.tables import DIFFERENCE, HEADER

FILE = Path(__file__).with_name("by_task.toml")
CHECKED = {
    "": "the paper, its code or its outputs",
    "extract": "extracts of the paper's tables",
    "summary": "a summary only",
    "page": "the technique's page",
}
_USUAL = "local:qwen2.5-coder-0.5b"
_LISTED = 3
_ABOUT = (
    "Techniques by task of language processing. The first column of figures is what the papers report, on models of "
    "2022 to 2024; an arrow leads from the baseline to the technique. Most of the techniques are those that Vatsal "
    "&amp; Dubey (2024, [arXiv 2407.12994](https://arxiv.org/abs/2407.12994)) survey by task, as far as they are in "
    "this library. "
    "The survey also discusses the best technique for each data set; we could not check its tables, so that is not "
    "repeated here. Figures of different rows have different models, demonstrations and numbers of samples: they do "
    "not rank techniques.",
    'The lines "Measured here" are from [our results](../research/results.md), on a model of half a billion '
    "parameters unless another is named, and few problems; significant is what is bold there. What pays on your "
    "model and task need not be what paid there: [compare](../how-to/compare.md), or let `reasoning advise` compare.",
)


def page(measured: Sequence[Section]) -> str:
    """Return the page.

    Args:
        measured: the tables of docs/research/results.md.
    """
    tasks = tomllib.loads(FILE.read_text(encoding="utf-8"))["task"]
    parts = ["# Techniques by task", *_ABOUT]
    for task in tasks:
        rows = [
            [
                link(title(get(row["technique"]).card), f"techniques/{row['technique']}.md"),
                prose(row["text"]),
                papers(get(row["technique"]).card) or "–",
                CHECKED[row.get("checked", "")],
            ]
            for row in task["row"]
        ]
        parts += [f"## {task['name']}", f"Data sets: {task['data']}."]
        parts.append(table(["technique", "reported", "paper", "checked against"], rows))
        parts += [describe(section) for section in measured if section.subject[0] in task["measured"]]
        if "elsewhere" in task:
            parts.append(f"Not in this library. {prose(task['elsewhere'])}")
    return "\n\n".join(parts) + "\n"


def describe(section: Section) -> str:
    """Return the sentence on the best rows of one section, and whether they differ from the reference."""
    rows, (task, problems, model) = section.rows, section.subject
    name = code(task) + (f" with {code(model)}" if model != _USUAL else "")
    if len({_accuracy(row) for row in rows}) == 1:
        return f"Measured here, {name}, {problems} problems: all of {len(rows)} specs {_accuracy(rows[0])}."
    shown = [_shown(row) for row in rows[:_LISTED]]
    reference = next((row for row in rows if row.spec == REFERENCE), None)
    if reference is not None and reference not in rows[:_LISTED]:
        shown.append(_shown(reference))
    better = [code(row.spec) for row in rows if row.cells[HEADER.index(DIFFERENCE)].startswith("**+")]
    verdict = (
        f"significantly better than `cot`: {', '.join(better)}" if better else "none is significantly better than `cot`"
    )
    of = f"{len(rows)} specs" if len(rows) > 1 else "one spec"
    text = f"Measured here, {name}, {problems} problems, the best of {of}: {', '.join(shown)}; {verdict}."
    return text + (" † With earlier prompts." if any(row.earlier for row in rows[:_LISTED]) else "")


def _shown(row: Row) -> str:
    return f"{code(row.spec)}{' †' * row.earlier} {_accuracy(row)}"


def _accuracy(row: Row) -> str:
    return row.cells[0]
