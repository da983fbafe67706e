"""The figures of a recording that is parsed again: differences by cause, rules and accuracies, without its texts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from reasoning.kinds import Text
from reasoning.voting import majority, tie_credit
from tests.replay import causes
from tests.replay.lines import Sample
from tests.replay.recordings import Recording

COARSE = "ours, without sign and decimals"
FIRST = "the first number of our statement, without sign and decimals"
GOLDEN = Path(__file__).parent / "golden"


def summary(recording: Recording) -> dict[str, Any]:
    """Return the figures of a recording; percentages are of all its replies unless their names say otherwise."""
    samples = list(recording.samples())
    parsed = [sample for sample in samples if sample.recorded is not None]
    unparsed = [sample for sample in samples if sample.recorded is None] if recording.recorded else []
    found: dict[str, Any] = {
        "replies": len(samples),
        "parsed by the authors": len(parsed) if recording.recorded else None,
        "same answer where they have one, %": _percent([sample.same for sample in parsed]),
        "same answer or both without one, %": _percent([sample.same for sample in samples])
        if recording.recorded
        else None,
        "same verdict, %": _percent([sample.right == bool(sample.counted) for sample in samples]),
        "accuracy, %": {
            "ours": _percent([sample.right for sample in samples]),
            "stored": _percent([bool(sample.counted) for sample in samples]),
        },
        "rules": dict(Counter(sample.ours.rule for sample in samples).most_common()),
        "differences": dict(_differences(recording, samples).most_common()),
    }
    if unparsed:
        found["replies that the authors did not parse"] = {
            "replies": len(unparsed),
            "without a stated answer for us": sum(sample.stated.value is None for sample in unparsed),
            "with an answer for us": sum(sample.ours.value is not None for sample in unparsed),
            "with a right answer": sum(sample.right for sample in unparsed),
        }
    if recording.likewise:
        alike = [recording.likewise(sample.statement) == sample.theirs for sample in parsed]
        found["same answer with the authors' rule on our statement, %"] = _percent(alike)
        found["accuracy, %"] |= {
            COARSE: _percent([_coarsely(sample.ours.value, sample) for sample in samples]),
            FIRST: _percent([_coarsely(recording.likewise(sample.statement), sample) for sample in samples]),
        }
    if ".0" in samples[0].id:
        found["vote, %"] = _votes(samples)
    return found


def _coarsely(value: float | None, sample: Sample) -> bool:
    """Return whether a number is right without its sign and its decimals, as Faithful-CoT compares."""
    return value is not None and abs(int(value)) == sample.reference


def _percent(hits: Sequence[bool]) -> float | None:
    return round(100 * sum(hits) / len(hits), 2) if hits else None


def _differences(recording: Recording, samples: Sequence[Sample]) -> Counter[str]:
    """Count the causes of the samples with a different answer or verdict."""
    found: Counter[str] = Counter()
    for sample in samples:
        if (sample.same or recording.recorded is None) and sample.right == bool(sample.counted):
            continue
        fitting = (causes.name(cause) for cause in recording.causes if cause(sample))
        found[next(fitting, None) or recording.residue.get(sample.id, f"not explained: {sample.id}")] += 1
    return found


def _votes(samples: Sequence[Sample]) -> dict[str, float]:
    """Return the accuracy of the majority of each line's samples; a tie counts by its share of right winners."""
    lines: dict[str, list[Sample]] = {}
    for sample in samples:
        lines.setdefault(sample.id.rpartition(".")[0], []).append(sample)
    ways: dict[str, Callable[[Sequence[Sample]], float]] = {
        "recorded answers": lambda drawn: _recorded(drawn, None),
        "recorded answers, with votes of unparsed replies": lambda drawn: _recorded(drawn, "none"),
        "our answers": _ours,
    }
    return {way: round(100 * sum(map(credit, lines.values())) / len(lines), 2) for way, credit in ways.items()}


def _recorded(drawn: Sequence[Sample], unparsed: str | None) -> float:
    vote = majority([sample.recorded or unparsed for sample in drawn], Text())
    return tie_credit(vote, lambda value: bool(value == drawn[0].reference))


def _ours(drawn: Sequence[Sample]) -> float:
    kind, reference = drawn[0].kind, drawn[0].reference
    return tie_credit(
        majority([sample.ours.value for sample in drawn], kind), lambda value: kind.score(value, reference)
    )


def text(found: dict[str, Any]) -> str:
    """Return the figures as the text of a golden file."""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def golden(name: str) -> str:
    """Return the text of the golden file; an empty text if it does not exist yet."""
    path = GOLDEN / f"{name}.json"
    return path.read_text(encoding="utf-8") if path.exists() else ""
