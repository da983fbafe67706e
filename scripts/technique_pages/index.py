"""The index of the techniques: a table for each mechanism."""

from __future__ import annotations

from reasoning.registry import get, places
from technique_pages.card import papers, title
from technique_pages.markdown import code, link, prose, table

MECHANISMS = {
    "direct": "The prompt alone",
    "thought": "Reasoning before the answer",
    "sampling": "Several draws, one answer",
    "decomposition": "Parts, solved one by one",
    "search": "Search over partial solutions",
    "programs": "The model writes, the machine computes",
    "verification": "Looking again",
    "knowledge": "What the model is given, and what is kept from it",
    "domain": "For one domain",
}
"""The folders under `strategies/`, in the order in which one would read of them."""


def index() -> str:
    """The page `docs/techniques/README.md`."""
    parts = [
        "# Techniques",
        "By mechanism: what a technique adds to a plain question. Each page has the card with its sources, the "
        f"parameters, the prompts as they go out, what was measured ({link('all results', '../results.md')}), and an "
        "example on a small real model. A technique that stands first in a table is not the best one: "
        f"{code('reasoning advise')} finds that out for a model and a task. Calls are completions for one problem: the "
        "names are parameters, and counts that the page explains. Those of one wave go out together, so the waves are "
        "what a problem waits for.",
    ]
    by_mechanism: dict[str, list[str]] = {mechanism: [] for mechanism in MECHANISMS}
    for name, place in places().items():
        by_mechanism.setdefault(place.split(".")[2], []).append(name)
    for mechanism, names in by_mechanism.items():
        header = ["technique", "paper", "calls", "use it when", "not when"]
        does = MECHANISMS.get(mechanism, mechanism.capitalize())
        parts += [f"## {does}", f"`strategies/{mechanism}/`", table(header, [_row(name) for name in names])]
    return "\n\n".join(parts) + "\n"


def _row(name: str) -> list[str]:
    card = get(name).card
    words = [papers(card), code(card.calls), prose(card.use_when), prose(card.avoid_when)]
    return [link(title(card), f"{name}.md"), *(word or "–" for word in words)]
