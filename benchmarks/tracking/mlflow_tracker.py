"""Runs in MLflow, at the place that MLFLOW_TRACKING_URI names."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from reasoning.errors import MissingExtra
from reasoning.tables import Table

_MAX_PARAM = 6000
"""The most characters of a parameter that MLflow accepts."""
_STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


class MlflowTracker:
    """One run of an MLflow experiment. It leaves the active run of the calling program alone.

    Args:
        experiment: the experiment; None for that of MLFLOW_EXPERIMENT_NAME, else "reasoning".

    Raises:
        MissingExtra: MLflow is not installed.
    """

    name = "MLflow"
    place = ""

    def __init__(self, experiment: str | None = None) -> None:
        try:
            import mlflow
        except ImportError as error:
            raise MissingExtra("logging to MLflow", "mlflow", f"mlflow-skinny ({error})") from None
        self._experiment = experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or "reasoning"
        self._mlflow = mlflow
        self._client: Any = None
        self._run = ""

    def start(self, title: str, params: Mapping[str, str]) -> None:
        """Begin the run with its name and its parameters."""
        from mlflow.entities import Param

        self._client = client = self._mlflow.MlflowClient()
        experiment = client.get_experiment_by_name(self._experiment)
        number = client.create_experiment(self._experiment) if experiment is None else experiment.experiment_id
        self._run = client.create_run(number, run_name=title).info.run_id
        # The address may hold a password.
        self.place = f"MLflow, run {self._run} of the experiment {self._experiment}"
        client.log_batch(self._run, params=[Param(name, _cut(value)) for name, value in params.items()])

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Log metrics after a number of results."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._client.log_batch(
            self._run, metrics=[Metric(name, float(value), now, step) for name, value in metrics.items()]
        )

    def finish(self, table: Table, files: Sequence[tuple[Path, str]], status: str) -> None:
        """End the run with its final table and files; see `Tracker.finish`."""
        if table.rows:
            # The form of `MlflowClient.log_table`, which needs pandas.
            data = {"columns": list(table.header), "data": [list(row) for row in table.rows]}
            self._client.log_dict(self._run, data, "strategies.json")
            self._client.set_tag(
                self._run, "mlflow.loggedArtifacts", json.dumps([{"path": "strategies.json", "type": "table"}])
            )
        for path, place in files:
            folder = str(PurePosixPath(place).parent)
            self._client.log_artifact(self._run, str(path), None if folder == "." else folder)
        self._client.set_terminated(self._run, status=_STATUS[status])


def _cut(value: str) -> str:
    return value if len(value) <= _MAX_PARAM else f"{value[: _MAX_PARAM - 1]}…"
