"""Recorded replies go through a technique to the values that the authors recorded; skipped without the recordings."""

from __future__ import annotations

import gzip
import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.messages import Message
from reasoning.testing import ScriptedLLM

FOLDER = Path(__file__).parents[2] / "../shared/replay"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the recordings are not here")


def recorded(value: Any) -> float | None:
    """What the authors' interpreter gave; None where it failed or gave no number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("pot_gsm8k_greedy", "pot(shots=0)"),
        ("pot_svamp_greedy", "pot(shots=4)"),
        ("faithful_gsm8k_codex_pal", "pal(shots=0)"),
        ("faithful_gsm8k_codex_pal", "faithful_cot"),
    ],
)
def test_the_value_is_the_recorded_one(name: str, spec: str) -> None:
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in itertools.islice(lines, 200)]
    said = {row["question"].strip(): row["samples"][0] for row in rows}

    def reply(messages: tuple[Message, ...]) -> str:
        asked = messages[-1].content
        return said[max((question for question in said if question in asked), key=len)]

    answers = strategies.get(spec).map([Problem(row["question"], kinds.Number()) for row in rows], ScriptedLLM(reply))
    different = []
    for row, answer in zip(rows, answers, strict=True):
        ours, theirs = answer.value, recorded(row["recorded_prediction"])
        if name == "pot_svamp_greedy" and ours is not None:
            ours = abs(ours)  # as its authors compare
        if theirs is not None and (ours is None or not math.isclose(ours, theirs, abs_tol=1e-5, rel_tol=1e-6)):
            different.append((row["id"], ours, theirs))
    assert sum(recorded(row["recorded_prediction"]) is not None for row in rows) > 180
    assert different == []
