"""The losses of a training as a line of bars."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

_BARS = "▁▂▃▄▅▆▇█"


def draw_losses(log: Sequence[Mapping[str, Any]], width: int = 60) -> str:
    """Return the losses of a log as text: a line of bars for training, and one for held-out examples.

    Each bar is the mean of the losses of some steps. Both lines have the same scale, from 0 to the largest loss.
    """
    rows = {"training": [line["loss"] for line in log if "loss" in line]}
    rows["held out"] = [line["held_out_loss"] for line in log if "held_out_loss" in line]
    means = {name: _means(values, width) for name, values in rows.items() if values}
    top = max((max(values) for values in means.values()), default=0.0)
    lines = []
    for name, values in means.items():
        bars = "".join(
            _BARS[min(len(_BARS) - 1, int(value / top * len(_BARS)))] if top else _BARS[0] for value in values
        )
        lines.append(f"{name} loss  {rows[name][0]:.3f} {bars} {rows[name][-1]:.3f}")
    return "\n".join(lines)


def _means(values: Sequence[float], width: int) -> list[float]:
    """Return at most `width` means of consecutive values."""
    count = min(width, len(values))
    ends = [round(place * len(values) / count) for place in range(count + 1)]
    return [sum(values[begin:end]) / (end - begin) for begin, end in itertools.pairwise(ends)]
