"""The index of the techniques: a table for each mechanism, and the methods of the survey."""

from __future__ import annotations

import tomllib
from pathlib import Path

from reasoning.call_counts import describe_calls
from reasoning.registry import get, places
from technique_pages.card import papers, title
from technique_pages.markdown import code, link, prose, table

MECHANISMS = {
    "direct": "The prompt alone",
    "thought": "Reasoning before the answer",
    "sampling": "Several samples, one answer",
    "decomposition": "Sub-problems, solved one by one",
    "search": "Search over partial solutions",
    "programs": "The model writes programs, an interpreter computes",
    "tables": "Questions about tables",
    "verification": "Verification",
    "knowledge": "Selected and added knowledge",
    "acting": "Acting with tools",
    "demonstrations": "Demonstrations that are learned or generated",
    "domain": "For one domain",
}
"""The folders under `strategies/`, in reading order."""


SURVEY = Path(__file__).with_name("survey.toml")
_ABOUT_SURVEY = (
    "Vatsal &amp; Dubey (2024, [arXiv 2407.12994](https://arxiv.org/abs/2407.12994)) survey 39 methods of prompting. "
    "The last column lists published outputs of models on which our parsers are checked "
    "([answers in recorded replies](../../research/answers-recordings.md)); for the other methods we know of none that "
    "may be used."
)


def index() -> str:
    """Return the page `docs/reference/techniques/README.md`."""
    parts = [
        "# Techniques",
        "Techniques are grouped by mechanism: by what they add to a plain question. Each page has the card with its "
        "sources, the parameters, the prompts as sent, the measurements "
        f"({link('all results', '../../research/results.md')}), and an example on a small real model. "
        f"{link('Techniques by task', '../techniques-by-task.md')} lists what papers report for a task. "
        f"The order within a table is not a ranking: {code('reasoning advise')} recommends a technique for a model "
        "and a task. Calls are completions for one problem, with the defaults and with one parameter set lower; the "
        "page has the formula. Calls of one round are sent together, so the number of rounds is how many replies a "
        "problem waits for.",
    ]
    by_mechanism: dict[str, list[str]] = {mechanism: [] for mechanism in MECHANISMS}
    for name, place in places().items():
        by_mechanism.setdefault(place.split(".")[2], []).append(name)
    for mechanism, names in by_mechanism.items():
        header = ["technique", "paper", "calls", "use it when", "avoid it when"]
        does = MECHANISMS.get(mechanism, mechanism.capitalize())
        parts += [f"## {does}", f"`strategies/{mechanism}/`", table(header, [_row(name) for name in names])]
    return "\n\n".join([*parts, "## The methods of the survey", _ABOUT_SURVEY, _survey_table()]) + "\n"


def _survey_table() -> str:
    methods = tomllib.loads(SURVEY.read_text(encoding="utf-8"))["method"]
    rows = [
        [
            str(number),
            prose(method["name"]),
            ", ".join(link(code(spec), f"{get(spec).card.name}.md") for spec in method["specs"]),
            prose(method.get("recordings", "")) or "–",
        ]
        for number, method in enumerate(methods, 1)
    ]
    return table(["", "method", "here", "checked on outputs of"], rows)


def _row(name: str) -> list[str]:
    strategy, card = get(name), get(name).card
    words = [papers(card), describe_calls(strategy), prose(card.use_when), prose(card.avoid_when)]
    return [link(title(card), f"{name}.md"), *(word or "–" for word in words)]
