"""Statistics of recorded replies for `docs/research/statistics-recordings.md`: `python -m tests.replay.compared`.

`--check` only prints the changes, and exits with 1 if there are any.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from simulation.races import RaceSummary

from reasoning.benchmarks.analysis.paired import PairedDifference, paired_differences
from reasoning.benchmarks.statistics import wilson
from reasoning.benchmarks.statistics.vote_curves import SamplePool, curve
from reasoning.kinds import Text
from reasoning.voting import majority
from tests.replay.lines import FOLDER, lines
from tests.replay.make import replaced
from tests.replay.page import table

PAGE = Path(__file__).parents[2] / "docs/research/statistics-recordings.md"
GSM8K = {
    "cot": "faithful_gsm8k_codex_cot",
    "pal": "faithful_gsm8k_codex_pal",
    "ltm": "faithful_gsm8k_codex_ltm",
    "pot": "pot_gsm8k_greedy",
    "zero-shot": "zeroeval_gsm8k_gpt-35-turbo-0125",
    "verifier": "openai_gsm8k_175b_verification",
}
"""Recordings of the problems of GSM8K's test set: three techniques by the same authors, and three by others."""
THREE = ("cot", "pal", "ltm")
ORDERS = 1000
"""The number of orders of the problems in which each race is run."""
NOT_READ = "No answer!"


def right(name: str) -> dict[str, float]:
    """Return 1.0 for each question to which the authors counted the reply as right, and 0.0 for others."""
    return {" ".join(line["question"].split()): float(line["recorded_correct"]) for line in lines(GSM8K[name])}


def techniques(found: Mapping[str, Mapping[str, float]]) -> list[PairedDifference]:
    """Compare every two of the three techniques on their 1,319 problems."""
    return paired_differences(found, THREE)


def pools(families: bool) -> list[SamplePool]:
    """Return the ten replies to each of the 369 questions about dates, as their authors parsed them.

    Nine questions each are about the same passage, which is the first part of the question.
    """
    found = []
    for line in lines("verifycot_date_sc10"):
        given = [None if one == NOT_READ else one for one in line["sample_predictions"]]
        of = line["question"].partition("What is the date")[0].strip() if families else None
        found.append(
            SamplePool.from_vote(majority(given, Text()), lambda value, line=line: value == line["reference"], of)
        )
    return found


def races(found: Mapping[str, Mapping[str, float]], names: Sequence[str], margin: float) -> RaceSummary:
    """Run the same race in many orders of the problems that all of these strategies have."""
    problems = [one for one in found[names[0]] if all(one in found[name] for name in names)]
    outcomes = np.array([[found[name][one] for one in problems] for name in names], dtype=bool)
    chance, tally = np.random.default_rng(0), RaceSummary()
    orders = np.stack([outcomes[:, chance.permutation(len(problems))] for _ in range(ORDERS)])
    tally.add(orders, margin, ORDERS, sample=False)
    return tally


def tables() -> str:
    """Return the tables of the page."""
    found = {name: right(name) for name in GSM8K}
    return "\n".join([_techniques(found), _pairs(found), _curve(), _races(found), ""])


def _percent(*shares: float) -> list[str]:
    return [f"{100 * one:.1f}" for one in shares]


def _range(low: float, high: float) -> str:
    return " to ".join(_percent(low, high))


def _techniques(found: Mapping[str, Mapping[str, float]]) -> str:
    rows: list[list[Any]] = []
    for name in GSM8K:
        solved, n = int(sum(found[name].values())), len(found[name])
        rows.append([name, f"`{GSM8K[name]}`", n, solved, *_percent(solved / n), _range(*wilson(solved, n))])
    return table(["", "recording", "problems", "right", "accuracy %", "95 %"], rows)


def _pairs(found: Mapping[str, Mapping[str, float]]) -> str:
    rows: list[list[Any]] = []
    for pair in techniques(found):
        a, b, apart = found[pair.first], found[pair.second], pair.difference
        only = [sum(x[one] > y[one] for one in a) for x, y in ((a, b), (b, a))]
        p = [f"{one:.2g}" for one in (pair.p, pair.p_adjusted)]
        rows.append([pair.first, pair.second, *_percent(apart.value), _range(apart.low, apart.high), *only, *p])
    head = ["first", "second", "difference, points", "95 %", "only the first", "only the second", "McNemar p", "Holm"]
    return table(head, rows)


def _curve() -> str:
    ks = list(range(1, 11))
    of_families, alone = pools(True), pools(False)
    curves = [curve(of_families, ks), curve(alone, ks)]
    curves += [curve(of_families, ks, measure="any"), curve(of_families, ks, measure="all")]
    rows = [
        [
            *(vote.k, *_percent(vote.mean), _range(vote.low, vote.high), _range(single.low, single.high)),
            *(*_percent(either.mean), _range(either.low, either.high)),
            *(*_percent(every.mean), _range(every.low, every.high)),
        ]
        for vote, single, either, every in zip(*curves, strict=True)
    ]
    return table(["k", "maj@k %", "95 %", "95 % as if independent", "pass@k %", "95 %", "pass^k %", "95 %"], rows)


def _races(found: Mapping[str, Mapping[str, float]]) -> str:
    rows: list[list[Any]] = []
    for names in (THREE, ("pal", "pot"), ("cot", "pal", "ltm", "pot"), tuple(GSM8K)):
        for points in (0, 2, 5):
            tally = races(found, names, points / 100)
            rows.append([", ".join(names), points, *_percent(tally.calls, tally.same, tally.stopped)])
    return table(["strategies", "margin, points", "calls of the grid %", "same decision %", "best stopped %"], rows)


def main(check: bool) -> int:
    if not FOLDER.exists():
        sys.exit(f"no recordings found in {FOLDER}")
    old = PAGE.read_text(encoding="utf-8")
    new = replaced(old, tables())
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), PAGE.name, PAGE.name, n=1))
    if not check:
        PAGE.write_text(new, encoding="utf-8")
    return int(check and old != new)


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
