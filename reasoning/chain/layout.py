"""Where the boxes of a directed graph stand when it is drawn in layers, from top to bottom, and how its lines run.

Layers by the longest way from a source, order within a layer by barycentres, places by pulling boxes towards their
neighbours (Sugiyama, Tagawa and Toda 1981, IEEE Transactions on Systems, Man, and Cybernetics 11(2), sections 3 to 5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]

_SWEEPS, _PULLS = 8, 24
_THIN = 14.0
"""The room that a line takes where it passes a layer, in pixels."""


@dataclass(frozen=True)
class Layout:
    """A drawing's geometry, in pixels.

    Attributes:
        centres: the middle of each box.
        routes: for each edge its points, from the bottom of one box to the top of another.
        width, height: of the whole.
    """

    centres: Mapping[str, Point]
    routes: Mapping[tuple[str, str], Sequence[Point]]
    width: float
    height: float


def layout(
    sizes: Mapping[str, tuple[float, float]],
    edges: Sequence[tuple[str, str]],
    *,
    across: float = 28,
    down: float = 46,
    margin: float = 16,
) -> Layout:
    """Place boxes.

    Args:
        sizes: width and height of each box, in the order in which equals stand side by side.
        edges: from box to box, without circles.
        across, down: the room between boxes of a layer, and between layers.
        margin: the room around everything.
    """
    level = _levels(list(sizes), edges)
    widths = {name: width for name, (width, _) in sizes.items()}
    chains = {edge: _passing(edge, level, widths) for edge in edges}
    links = [link for chain in chains.values() for link in pairwise(chain)]
    order = _ordered(level, links)
    x = _placed(order, links, widths, across)
    left = min(x[name] - widths[name] / 2 for name in sizes)
    y: list[float] = []
    heights = [max(sizes[name][1] if name in sizes else 0 for name in row) for row in order]
    for row, height in enumerate(heights):
        y.append(margin + sum(heights[:row]) + down * row + height / 2)
    centres = {name: (x[name] - left + margin, y[level[name]]) for name in level}
    routes = {}
    for (start, end), chain in chains.items():
        first, *passed, last = (centres[name] for name in chain)
        points = [(first[0], first[1] + sizes[start][1] / 2)]
        for row, (at, middle) in enumerate(passed, level[start] + 1):  # straight past the boxes of a layer
            points += [(at, middle - heights[row] / 2), (at, middle + heights[row] / 2)]
        routes[start, end] = [*points, (last[0], last[1] - sizes[end][1] / 2)]
    right = max(centres[name][0] + widths[name] / 2 for name in centres)
    boxes = {name: centres[name] for name in sizes}
    return Layout(boxes, routes, right + margin, y[-1] + heights[-1] / 2 + margin)


def _levels(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The layer of each box: below all that lead to it; a source stands right above the first that it leads to."""
    before = {name: [start for start, end in edges if end == name] for name in names}
    level: dict[str, int] = {}

    def of(name: str) -> int:
        if name not in level:
            level[name] = 1 + max((of(one) for one in before[name]), default=-1)
        return level[name]

    for name in names:
        of(name)
    for name in names:
        after = [level[end] for start, end in edges if start == name]
        if not before[name] and after:
            level[name] = min(after) - 1
    return level


def _passing(edge: tuple[str, str], level: dict[str, int], widths: dict[str, float]) -> list[str]:
    """An edge as a chain from layer to layer, with a thin box in each layer that it passes."""
    start, end = edge
    thin = [f"{start}→{end}@{row}" for row in range(level[start] + 1, level[end])]
    for row, name in enumerate(thin, level[start] + 1):
        level[name], widths[name] = row, _THIN
    return [start, *thin, end]


def _ordered(level: Mapping[str, int], links: Sequence[tuple[str, str]]) -> list[list[str]]:
    """The boxes of each layer from left to right, with few crossings of lines."""
    order: list[list[str]] = [[] for _ in range(max(level.values()) + 1)]
    for name, row in level.items():
        order[row].append(name)
    best, fewest = order, _crossings(order, links)
    for sweep in range(_SWEEPS):
        order = [list(row) for row in order]
        downward = sweep % 2 == 0
        rows = range(1, len(order)) if downward else range(len(order) - 2, -1, -1)
        for row in rows:
            beside = order[row - 1 if downward else row + 1]
            place = {name: k / max(len(beside), 1) for k, name in enumerate(beside)}
            own = {name: k / max(len(order[row]), 1) for k, name in enumerate(order[row])}
            ends = [(a, b) if downward else (b, a) for a, b in links]
            near = {name: [place[a] for a, b in ends if b == name and a in place] for name in order[row]}
            order[row].sort(key=lambda name: sum(near[name]) / len(near[name]) if near[name] else own[name])
        if (crossed := _crossings(order, links)) < fewest:
            best, fewest = order, crossed
    return best


def _crossings(order: Sequence[Sequence[str]], links: Sequence[tuple[str, str]]) -> int:
    place = {name: (row, k) for row, names in enumerate(order) for k, name in enumerate(names)}
    spans = [(place[a][0], place[a][1], place[b][1]) for a, b in links]
    return sum(
        (a1 - a2) * (b1 - b2) < 0
        for k, (row, a1, b1) in enumerate(spans)
        for other, a2, b2 in spans[k + 1 :]
        if row == other
    )


def _placed(
    order: Sequence[Sequence[str]], links: Sequence[tuple[str, str]], widths: Mapping[str, float], across: float
) -> dict[str, float]:
    """The middle of each box, from left to right: near its neighbours, and beside each other without touching."""
    near: dict[str, list[str]] = {name: [] for row in order for name in row}
    for start, end in links:
        near[start].append(end)
        near[end].append(start)
    x: dict[str, float] = {}
    for row in order:
        at = -sum(widths[name] + across for name in row) / 2
        for name in row:
            x[name] = at + widths[name] / 2
            at += widths[name] + across
    for pull in range(_PULLS):
        for row in order if pull % 2 == 0 else reversed(order):
            wanted = [sum(x[one] for one in near[name]) / len(near[name]) if near[name] else x[name] for name in row]
            room = [(widths[a] + widths[b]) / 2 + across for a, b in pairwise(row)]
            right, left = list(wanted), list(wanted)
            for k in range(1, len(row)):
                right[k] = max(wanted[k], right[k - 1] + room[k - 1])
            for k in range(len(row) - 2, -1, -1):
                left[k] = min(wanted[k], left[k + 1] - room[k])
            x.update({name: (right[k] + left[k]) / 2 for k, name in enumerate(row)})
    return x
