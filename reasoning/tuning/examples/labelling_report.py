"""The outcome of a labelling or a distillation as a table with notes, and as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from reasoning.display import describe_spending
from reasoning.messages import Usage
from reasoning.tables import Document, Table
from reasoning.text_safety import to_line
from reasoning.tuning.examples.example_making import LOW_RATE, ExampleMaking

_MEANINGS = {
    "kept": "in the file",
    "refused": "too few replies can be used: see the reasons below",
    "disagreed": "too few replies agree",
    "wrong": "no sample has the right answer",
    "failed": "a call failed for good; the same command tries again",
    "near_duplicates": "left out: nearly equal to a case that judges the chain",
    "repeated": "left out: equal to an earlier input",
    "accepted": "a person accepted the label",
    "corrected": "a person corrected the label",
    "dropped": "a person dropped the label",
}


def describe(making: ExampleMaking) -> Document:
    """Return the inputs by outcome, the acceptance rate, the reasons of refusals and the cost."""
    counts = making.content.header.counts
    rows = [
        (name.replace("_", " "), meaning, f"{counts.get(name, 0):,}")
        for name, meaning in _MEANINGS.items()
        if counts.get(name) or name == "kept"
    ]
    table = Table(("outcome", "meaning", "inputs"), rows, text_columns=2, priority=("inputs", "meaning"))
    return Document([table, "\n".join(_notes(making))])


def to_json(making: ExampleMaking) -> dict[str, Any]:
    """Return the outcome as plain data."""
    kept, judged, interval = making.acceptance
    content = making.content
    return {
        "file": str(making.path),
        **content.header.to_json(),
        "sha256": content.sha256,
        "acceptance": {"kept": kept, "n": judged, "share": kept / judged if judged else None, "ci95": list(interval)},
        "reasons": [{"reason": reason, "inputs": count} for reason, count in making.reasons],
        "spent": asdict(making.spent),
        "complete": making.stopped is None,
    }


def _notes(making: ExampleMaking) -> list[str]:
    kept, judged, (low, high) = making.acceptance
    notes = []
    if judged:
        share = f"{kept} of {judged} inputs got an example, {kept / judged:.0%} (95 %: {low:.0%} to {high:.0%})"
        notes.append(f"acceptance rate: {share}")
    if making.rate_is_low:
        notes.append(f"this is below {LOW_RATE:.0%}: mend the prompt first, or take a stronger teacher")
    notes += [f"refused, {count} ×: {to_line(reason):.200}" for reason, count in making.reasons]
    notes.append(describe_spending(making.spent, making.usage, Usage(), Usage(), ""))
    return [*notes, f"examples: {making.path}"]
