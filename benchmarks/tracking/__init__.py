"""Experiment trackers: a run in MLflow or Weights & Biases, as in `compare(…, watch=[tracking.track("mlflow")])`."""

from __future__ import annotations

from collections.abc import Callable

from reasoning.benchmarks.tracking.tracked_run import TrackedRun, Tracker
from reasoning.errors import UnknownName

__all__ = ["TRACKERS", "TrackedRun", "Tracker", "track"]


def _mlflow(group: str | None) -> Tracker:
    from reasoning.benchmarks.tracking.mlflow_tracker import MlflowTracker

    return MlflowTracker(group)


def _wandb(group: str | None) -> Tracker:
    from reasoning.benchmarks.tracking.wandb_tracker import WandbTracker

    return WandbTracker(group)


TRACKERS: dict[str, Callable[[str | None], Tracker]] = {"mlflow": _mlflow, "wandb": _wandb}
"""The trackers by name."""


def track(name: str, group: str | None = None) -> TrackedRun:
    """Return a listener that logs one run to a tracker, for `compare(…, watch=[…])`.

    The tracker's own environment variables say where runs are logged.

    Args:
        name: "mlflow" or "wandb".
        group: the experiment of MLflow or the project of Weights & Biases; None for that of the
            tracker's environment variable, else "reasoning".

    Raises:
        UnknownName: there is no such tracker.
        MissingExtra: its package is not installed.
        UsageError: it is not known where to log, such as without a key of Weights & Biases.
    """
    if name not in TRACKERS:
        raise UnknownName("tracker", name, TRACKERS)
    return TrackedRun(TRACKERS[name](group))
