"""Programs that models wrote for papers compute the values that the authors recorded, with their accuracy.

The recordings are not part of the project; without them these tests are skipped.
"""

from __future__ import annotations

import ast
import asyncio
import gzip
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from reasoning.sandbox.execution import ExecutionResult, PlainData
from reasoning.sandbox.interpreter import Interpreter

FOLDER = Path(__file__).parents[2] / "../shared/replay"
SYMPY = """from sympy import Symbol, Eq, simplify, solve
def solve_it(equation, variable):
    found = solve(equation, variable, dict=True)
    if found:
        return found[0]
    return dict.fromkeys(variable) if isinstance(variable, list) else {variable: None}
"""
PRELUDES = {
    SYMPY: {"Symbol", "Eq", "simplify", "solve", "solve_it"},
    "import math\n": {"math"},
    "import numpy as np\n": {"np"},
    "import statistics\n": {"statistics"},
    **{f"from math import {name}\n": {name} for name in dir(math) if name[0] != "_"},
}


@dataclass(frozen=True)
class Recording:
    """A set of recorded programs, and the authors' way of reading and comparing results.

    Attributes:
        name: the file's.
        place: where their programs leave the result.
        accuracy: theirs, in percent.
        same: whether a value of ours is a recorded one.
        right: whether a value of ours is the reference.
    """

    name: str
    place: str
    accuracy: float
    same: Callable[[PlainData, Any], bool]
    right: Callable[[PlainData, float], bool]

    def rows(self) -> Iterator[dict[str, Any]]:
        with gzip.open(FOLDER / f"{self.name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def number(value: Any) -> float | None:
    """float(ans), of several the first (Chen et al.)."""
    while isinstance(value, list | dict) and value:
        value = next(iter(value.values() if isinstance(value, dict) else value))
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def equal(value: PlainData, other: float | None) -> bool:
    """Both are rounded to the decimals of the shorter one, at most five (Chen et al.)."""
    ours = number(value)
    if ours is None or other is None:
        return ours is other
    decimals = min(5, *(len(repr(float(each)).partition(".")[2]) for each in (ours, other)))
    return round(ours, decimals) == round(other, decimals)


def equal_size(value: PlainData, other: float | None) -> bool:
    """The same, without the sign."""
    found = number(value)
    return equal(None if found is None else abs(found), other)


def whole(value: Any) -> int | None:
    """Without decimals and sign (Lyu et al.)."""
    found = number(value)
    return None if found is None or not math.isfinite(found) else abs(int(found))


def same_text(value: PlainData, text: str) -> bool:
    """Recorded is a text: a number, sympy's fraction, a tuple, an expression; [invalid] where the program failed."""
    if text == "[invalid]":
        return value is None
    try:
        return math.isclose(
            float(Fraction(text)), number(value) if number(value) is not None else math.nan, abs_tol=1e-6
        )
    except ValueError:
        return str(value).strip("[]") == text.strip("()")


RECORDINGS = [
    Recording("pot_gsm8k_greedy", "ans", 71.55, equal, equal),
    Recording("pot_svamp_greedy", "ans", 85.19, equal_size, equal_size),
    Recording("faithful_gsm8k_codex_pal", "answer", 72.78, same_text, lambda value, gold: whole(value) == whole(gold)),
]
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the recordings are not here")


def prelude(code: str) -> str:
    """What the authors had in scope, as far as the program uses it."""
    try:
        names = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)]
    except SyntaxError:
        return ""
    set_here = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    used = {node.id for node in names} - set_here
    return "".join(text for text, defines in PRELUDES.items() if defines & used)


def run_all(rows: list[dict[str, Any]], place: str) -> list[ExecutionResult]:
    async def go(interpreter: Interpreter) -> list[ExecutionResult]:
        return await asyncio.gather(
            *[interpreter.arun(prelude(row["samples"][0]) + row["samples"][0], result=place) for row in rows]
        )

    with Interpreter() as interpreter:
        return asyncio.run(go(interpreter))


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
def test_recorded_programs_come_to_the_recorded_values(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = list(recording.rows())
    started = time.perf_counter()
    runs = run_all(rows, recording.place)
    seconds = time.perf_counter() - started
    table: Counter[str] = Counter()
    differences = []
    for row, run in zip(rows, runs, strict=True):
        ran_there = row["recorded_prediction"] not in (None, "[invalid]")
        same = recording.same(run.value, row["recorded_prediction"])
        outcome = "failed there, " * (not ran_there) + ("same" if same else "different")
        table[f"{run.tier}: {outcome}"] += 1
        if not same:
            reason = run.error or f"now {run.value}"
            differences.append(f"  {row['id']} ({run.tier}): recorded {row['recorded_prediction']}, {reason}")
    right = sum(recording.right(run.value, row["reference"]) for row, run in zip(rows, runs, strict=True))
    accuracy = 100 * right / len(rows)
    summary = f"{recording.name}: {accuracy:.2f} %, recorded {recording.accuracy} %; {seconds:.1f} s; {dict(table)}"
    with capsys.disabled():
        sys.stdout.write("\n".join(["", summary, *differences]))
    different = sum(count for outcome, count in table.items() if outcome.endswith(": different"))
    ran_there = sum(count for outcome, count in table.items() if "failed there" not in outcome)
    assert different <= 0.005 * ran_there
    assert abs(accuracy - recording.accuracy) <= 0.2
    assert all(run.seconds < 20 for run in runs)
