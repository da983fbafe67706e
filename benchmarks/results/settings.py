"""Everything that defines a run and may not change within one results folder."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reasoning import kinds
from reasoning.benchmarks.tasks import Task
from reasoning.engine.budget import Budget
from reasoning.engine.llm import LLM
from reasoning.errors import SettingsChanged

Settings = Mapping[str, Any]
"""Names and values, in the order in which people should read them."""
_OF_THE_RUN = {
    "task",
    "task_version",
    "split",
    "seed",
    "model",
    "base_url",
    "parser_version",
    "problem_budget",
    "sandbox",
}
"""Those that are no setting of the model."""


def run_settings(task: Task, seed: int, llm: LLM, problem_budget: Budget | None = None) -> dict[str, Any]:
    """The settings of a run. A seed that changes nothing is none."""
    return {
        "task": task.name,
        "task_version": task.version(),
        **({"split": task.split} if task.split else {}),
        "seed": seed if task.seeded else None,
        "model": llm.name,
        "base_url": llm.client.endpoint,
        "parser_version": kinds.PARSER_VERSION,
        **({"problem_budget": str(problem_budget)} if problem_budget else {}),
        **({"sandbox": str(llm.sandbox)} if llm.sandbox else {}),
        **{name: llm.sampling[name] for name in sorted(llm.sampling)},
    }


def task_title(stored: Settings) -> str:
    """The task of a run with its split, for people."""
    return f"{stored['task']} ({stored['split']})" if stored.get("split") else str(stored["task"])


def sampling_settings(stored: Settings) -> dict[str, Any]:
    """Of a run's settings, those that the model gets."""
    return {name: value for name, value in stored.items() if name not in _OF_THE_RUN}


def check_settings(folder: Path, stored: Settings, asked: Settings) -> None:
    """Raise SettingsChanged where a folder was made with other settings than those asked for.

    A folder of before splits were a setting of their own has its split in "problems".
    """
    asked = {name: value for name, value in asked.items() if name != "split" or name in stored}
    changed = {
        name: f"{name} {_shown(stored, name)} → {_shown(asked, name)}"
        for name in dict.fromkeys([*stored, *asked])
        if _plain(stored.get(name)) != _plain(asked.get(name))
    }
    if changed.keys() == {"parser_version"}:
        raise SettingsChanged(
            f"{folder} was read by other rules ({changed['parser_version']}). To read its stored replies by the "
            f"present ones, without a call: reasoning bench rescore {shlex.quote(str(folder))}; or give another --out"
        )
    if changed:
        raise SettingsChanged(
            f"{folder} was made with other settings: {'; '.join(changed.values())}. "
            "Give another --out, or leave it out, to keep both runs"
        )


def default_folder(asked: Settings) -> Path:
    """`results/TASK-MODEL-DIGEST`: the same settings find their folder again, others get their own."""
    hashed = {name: value for name, value in _plain(asked).items() if name != "split"}  # "problems" has it
    digest = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()[:8]
    return Path("results") / "-".join([safe_name(asked["task"]), safe_name(short_model_name(asked["model"])), digest])


def safe_name(name: str) -> str:
    """What a folder may be called after a task or a model."""
    return re.sub(r"[^\w.]+", "_", name).strip("_.")[:40] or "run"


def short_model_name(model: str) -> str:
    """A model's name without the hash that local weights carry."""
    return model.partition("@")[0] if model.startswith("local:") else model


def _plain(value: Any) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(value, default=str))


def _shown(values: Settings, name: str) -> str:
    return "none" if values.get(name) is None else str(values[name])
