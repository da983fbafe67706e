"""Runs in Weights & Biases; with WANDB_MODE=offline, in a folder that `wandb sync` sends later."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reasoning.errors import MissingExtra, UsageError
from reasoning.tables import Table

_OFFLINE = ("offline", "disabled", "dryrun", "shared")


class WandbTracker:
    """One run of a project of Weights & Biases.

    The command line, the code, the machine and what is printed are not sent, since they may hold
    keys and paths.

    Args:
        project: the project; None for that of WANDB_PROJECT, else "reasoning".

    Raises:
        MissingExtra: the package is not installed.
        UsageError: runs would be sent, and no key is known.
    """

    name = "Weights & Biases"
    place = ""

    def __init__(self, project: str | None = None) -> None:
        try:
            import wandb
        except ImportError as error:
            raise MissingExtra("logging to Weights & Biases", "wandb", f"wandb ({error})") from None
        self._wandb: Any = wandb
        self._project = project or os.environ.get("WANDB_PROJECT") or "reasoning"
        self._run: Any = None
        # Without a key, the package would ask for one in the middle of the run.
        try:
            is_ready = os.environ.get("WANDB_MODE") in _OFFLINE or wandb.login(prompt=False)
        except Exception as error:
            raise UsageError(f"Weights & Biases cannot be used: {error}") from None
        if not is_ready:
            raise UsageError(
                "Weights & Biases needs a key: set WANDB_API_KEY or run `wandb login`, or set WANDB_MODE=offline to "
                "keep runs in a folder, which `wandb sync` sends later"
            )

    def start(self, title: str, params: Mapping[str, str]) -> None:
        """Begin the run with its name and its parameters."""
        settings = self._wandb.Settings(
            console="off",
            disable_code=True,
            disable_git=True,
            save_code=False,
            silent=True,
            x_disable_machine_info=True,
            x_disable_meta=True,
            x_disable_stats=True,
        )
        self._run = self._wandb.init(
            project=self._project, name=title, config=dict(params), reinit="create_new", settings=settings
        )
        is_offline = self._run.settings.mode in _OFFLINE
        self.place = f"wandb sync {shlex.quote(str(Path(self._run.dir).parent))}" if is_offline else str(self._run.url)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Log metrics after a number of results."""
        self._run.log({**metrics, "results": step})

    def finish(self, table: Table, files: Sequence[tuple[Path, str]], status: str) -> None:
        """End the run with its final table and files; see `Tracker.finish`."""
        self._run.summary["status"] = status
        if table.rows:
            rows = [list(row) for row in table.rows]
            self._run.log({"strategies": self._wandb.Table(columns=list(table.header), data=rows)})
        if files:
            artifact = self._wandb.Artifact(f"results-{self._run.id}", "results")
            for path, place in files:
                artifact.add_file(str(path), place)
            self._run.log_artifact(artifact)
        self._run.finish(exit_code=status == "failed")
