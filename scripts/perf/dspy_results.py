"""The searches of a comparison with DSPy: kept in a file, compared, and written as a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from reasoning.benchmarks.statistics import disagreements, mcnemar, paired_mean, paired_t, tango
from reasoning.tables import Table, escape_pipes

PAIRS = {"miprov2": ("bayesian", "bootstrap"), "gepa": ("reflection",)}
"""Our searches that get the tokens of one of DSPy's."""


def share(found: Mapping[str, bool]) -> str:
    """Return a share of right answers as a cell."""
    return f"{sum(found.values())}/{len(found)}"


class Searches:
    """The searches that have ended, in memory and in a file.

    Args:
        path: the file, or None.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        self._found = {(row["seed"], row["search"]): row for row in map(json.loads, lines)}

    def find(self, seed: int, name: str, search: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return a search's result, after it was made if it is not there."""
        if (seed, name) not in self._found:
            row = {"seed": seed, "search": name, **search()}
            self._found[seed, name] = row
            if self._path is not None:
                with self._path.open("a") as file:
                    file.write(json.dumps(row) + "\n")
        return self._found[seed, name]

    @property
    def seeds(self) -> list[int]:
        """The seeds with a search."""
        return sorted({seed for seed, _ in self._found})

    def get(self, seed: int, name: str) -> dict[str, Any] | None:
        """Return a search's result, if it is there."""
        return self._found.get((seed, name))

    def differences(self, methods: Sequence[str], shares: Sequence[float]) -> Iterator[str]:
        """Yield one line for each of our searches with several seeds: its difference to DSPy's over all of them."""
        for method in methods:
            for own, part in product(PAIRS[method], shares):
                name = name_search(own, part, method)
                a, b, seeds = self.pairs(name, f"DSPy {method}")
                if (many := len(set(seeds))) > 1:
                    yield f"{many} seeds: {name} − DSPy {method}: {compared(a, b, seeds)}"

    def pairs(self, ours: str, theirs: str) -> tuple[list[bool], list[bool], list[int]]:
        """Return whether each test answer of two searches is right, and its seed."""
        a: list[bool] = []
        b: list[bool] = []
        seeds: list[int] = []
        for seed in self.seeds:
            if (seed, ours) in self._found and (seed, theirs) in self._found:
                found = right_answers(self._found[seed, ours], self._found[seed, theirs])
                a.extend(found[0])
                b.extend(found[1])
                seeds.extend([seed] * len(found[0]))
        return a, b, seeds


def right_answers(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[list[bool], list[bool]]:
    """Return whether each answer of the final test is right, in one order."""
    return [ours["after"][item] for item in theirs["after"]], list(theirs["after"].values())


def cells(found: Mapping[str, Any]) -> list[str]:
    """Return the tokens of a search, and its right answers before and after, as cells."""
    return [f"{found['tokens']:,}", share(found["before"]), share(found["after"])]


def compared(a: list[bool], b: list[bool], seeds: list[int] | None = None) -> str:
    """Return the paired difference of two lists of right answers; of several seeds, over the seeds."""
    if seeds is None:
        difference, p = tango(a, b), mcnemar(*disagreements(a, b))
    else:
        difference, p = paired_mean(a, b, seeds), paired_t(a, b, seeds)
    low, high = 100 * difference.low, 100 * difference.high
    return f"{100 * difference.value:+.1f} points, 95 % {low:+.0f} to {high:+.0f}, p = {p:.3f}"


def name_search(own: str, part: float, method: str) -> str:
    """Return the name of one of our searches."""
    return f"{own} with {part:.0%} of the tokens of {method}"


def to_markdown(searches: Searches, methods: Sequence[str], shares: Sequence[float]) -> str:
    """Return a table with a row for each search of each seed, and the differences over the seeds."""
    rows = []
    for seed, method in product(searches.seeds, methods):
        if (theirs := searches.get(seed, f"DSPy {method}")) is None:
            continue
        rows.append((f"{seed}", f"DSPy {theirs['version']} {method}", *cells(theirs), ""))
        for own, part in product(PAIRS[method], shares):
            if ours := searches.get(seed, name_search(own, part, method)):
                difference = compared(*right_answers(ours, theirs))
                rows.append((f"{seed}", f"{own}, {part:.0%}", *cells(ours), difference))
    header = ("seed", "search", "tokens", "before", "after", "ours − DSPy (95 %)")
    lines = "".join(f"- {line}\n" for line in searches.differences(methods, shares))
    return f"{Table(header, rows, text_columns=2).to_markdown(escape_pipes).rstrip()}\n" + (
        f"\n{lines}" if lines else ""
    )
