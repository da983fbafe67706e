"""The page docs/reference/techniques-by-task.md: what papers report of techniques for a task, and what was measured."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

from reasoning.registry import get
from technique_pages.card import papers, title
from technique_pages.markdown import code, link, prose, table

FILE = Path(__file__).with_name("by_task.toml")
CHECKED = {
    "": "the paper, its code or its outputs",
    "extract": "extracts of the paper's tables",
    "summary": "a summary only",
    "page": "the technique's page",
}
_SECTION = re.compile(r"^## (\S+)(?: \(\w+\))? · (\d+) problems · (\S+)", re.MULTILINE)
_ROW = re.compile(
    r"^\| \[`([^`]+)`\]\([^)]*\)( †)? \| ([\d.]+ %) \| [^|]* \| [^|]* \| [^|]* \| [^|]* \| ([^|]*) \|", re.MULTILINE
)
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


class Row(NamedTuple):
    """A measured row: spec, mark of earlier prompts, accuracy and difference to the reference."""

    spec: str
    earlier: bool
    accuracy: str
    difference: str


class Section(NamedTuple):
    """A table of the results: its task, number of problems, model and rows."""

    task: str
    problems: int
    model: str
    rows: list[Row]


def page(results: str) -> str:
    """Return the page.

    Args:
        results: the text of docs/research/results.md.
    """
    measured = read_results(results)
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
        parts += [describe(section) for section in measured if section.task in task["measured"]]
        if "elsewhere" in task:
            parts.append(f"Not in this library. {prose(task['elsewhere'])}")
    return "\n\n".join(parts) + "\n"


def read_results(results: str) -> list[Section]:
    """Return the sections of the page of results."""
    starts = list(_SECTION.finditer(results))
    ends = [*(start.start() for start in starts[1:]), len(results)]
    return [
        Section(
            start[1].replace("\\", ""),
            int(start[2]),
            start[3],
            [Row(row[1], bool(row[2]), row[3], row[4].strip()) for row in _ROW.finditer(results, start.end(), end)],
        )
        for start, end in zip(starts, ends, strict=True)
    ]


def describe(section: Section) -> str:
    """Return the sentence on the best rows of one section, and whether they differ from the reference."""
    rows, problems = section.rows, section.problems
    name = code(section.task) + (f" with {code(section.model)}" if section.model != _USUAL else "")
    if len({row.accuracy for row in rows}) == 1:
        return f"Measured here, {name}, {problems} problems: all of {len(rows)} specs {rows[0].accuracy}."
    shown = [f"{code(row.spec)}{' †' * row.earlier} {row.accuracy}" for row in rows[:_LISTED]]
    reference = next((row for row in rows if row.spec == "cot"), None)
    if reference is not None and reference not in rows[:_LISTED]:
        shown.append(f"{code('cot')}{' †' * reference.earlier} {reference.accuracy}")
    better = [code(row.spec) for row in rows if row.difference.startswith("**+")]
    verdict = (
        f"significantly better than `cot`: {', '.join(better)}" if better else "none is significantly better than `cot`"
    )
    of = f"{len(rows)} specs" if len(rows) > 1 else "one spec"
    text = f"Measured here, {name}, {problems} problems, the best of {of}: {', '.join(shown)}; {verdict}."
    return text + (" † With earlier prompts." if any(row.earlier for row in rows[:_LISTED]) else "")
