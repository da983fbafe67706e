"""The log of a training, as text and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reasoning.data_files import read_jsonl
from reasoning.providers.adapters import Adapter
from reasoning.tuning.training.sparkline import draw_losses


@dataclass(frozen=True, repr=False)
class TrainingLog:
    """The log of the training of an adapter. Print it, or let a notebook show it.

    Attributes:
        adapter: the adapter.
        lines: the lines of the log: those of steps have "step", "loss", "learning_rate" and "seconds", those of
            evaluations "step", "held_out_loss", "held_out_exact", "held_out" and "seconds".
    """

    adapter: Adapter
    lines: tuple[Mapping[str, Any], ...]

    def __repr__(self) -> str:
        return f"{self._summary}\n{draw_losses(self.lines)}"

    def _repr_html_(self) -> str:
        from reasoning.tables import escape_html
        from reasoning.tuning.pictures import draw_training

        return f"<div>{escape_html(self._summary)}</div>{draw_training(self.lines, self._summary)}"

    @property
    def _summary(self) -> str:
        adapter, settings = self.adapter, self.adapter.settings
        parts = [
            f"{adapter.model}, trained by {adapter.method}",
            f"{settings['steps']:,} steps in {self.lines[-1]['seconds']:,.0f} s",
            f"{settings['trained_parameters']:,} trained parameters",
            f"{settings['peak_memory'] / 1e9:.1f} GB at most",
        ]
        return "; ".join(parts)


def read_training_log(adapter: Adapter) -> TrainingLog:
    """Return the log of the training of an adapter.

    Args:
        adapter: the adapter, such as `tuning.train` returns it.

    Raises:
        InputError: its log is missing or damaged.
    """
    return TrainingLog(adapter, tuple(line for _, line in read_jsonl(adapter.folder / "log.jsonl")))
