"""The outcome of a labelling or a distillation as a table with notes, and as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from reasoning.display import describe_spending
from reasoning.messages import Usage
from reasoning.tables import Document, Table
from reasoning.text_safety import to_line
from reasoning.tuning.examples.labelling import LOW_RATE, Labelling
from reasoning.tuning.examples.strategy_examples import Distillation

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


def describe(labelling: Labelling | Distillation) -> Document:
    """Return the inputs by outcome, the acceptance rate, the reasons of refusals and the cost."""
    counts = labelling.content.header.counts
    rows = [
        (name.replace("_", " "), meaning, f"{counts[name]:,}")
        for name, meaning in _MEANINGS.items()
        if counts.get(name) or name == "kept"
    ]
    table = Table(("outcome", "meaning", "inputs"), rows, text_columns=2, priority=("inputs", "meaning"))
    return Document([table, "\n".join(_notes(labelling))])


def to_json(labelling: Labelling | Distillation) -> dict[str, Any]:
    """Return the outcome as plain data."""
    kept, judged, interval = labelling.acceptance
    content = labelling.content
    return {
        "file": str(labelling.path),
        **content.header.to_json(),
        "sha256": content.sha256,
        "acceptance": {"kept": kept, "n": judged, "share": kept / judged if judged else None, "ci95": list(interval)},
        "reasons": [{"reason": reason, "inputs": count} for reason, count in labelling.reasons],
        "spent": asdict(labelling.spent),
        "complete": labelling.stopped is None,
    }


def _notes(labelling: Labelling | Distillation) -> list[str]:
    kept, judged, (low, high) = labelling.acceptance
    notes = []
    if judged:
        share = f"{kept} of {judged} inputs got an example, {kept / judged:.0%} (95 %: {low:.0%} to {high:.0%})"
        notes.append(f"acceptance rate: {share}")
    if labelling.rate_is_low:
        notes.append(f"this is below {LOW_RATE:.0%}: mend the prompt first, or take a stronger teacher")
    notes += [f"refused, {count} ×: {to_line(reason):.200}" for reason, count in labelling.reasons]
    notes.append(describe_spending(labelling.spent, labelling.usage, Usage(), Usage(), ""))
    return [*notes, f"examples: {labelling.path}"]
