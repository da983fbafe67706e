"""The settings that define a run, which may not change within one results folder."""

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
from reasoning.secret_scan import mask_secrets

Settings = Mapping[str, Any]
"""Names and values, in reading order."""
_NOT_SAMPLING = {
    "task",
    "task_version",
    "split",
    "seed",
    "model",
    "base_url",
    "parser_version",
    "problem_budget",
    "sandbox",
    "imported",
}
"""Settings that are not sampling parameters of the model."""


def run_settings(task: Task, seed: int, llm: LLM, problem_budget: Budget | None = None) -> dict[str, Any]:
    """Return the settings of a run, without keys. The seed is None if the task has none."""
    settings = {
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
    return {name: mask_secrets(value) if isinstance(value, str) else value for name, value in settings.items()}


def task_title(stored: Settings) -> str:
    """Return the task of a run with its split, for display."""
    return f"{stored['task']} ({stored['split']})" if stored.get("split") else str(stored["task"])


def sampling_settings(stored: Settings) -> dict[str, Any]:
    """Return those settings of a run that are sampling parameters of the model."""
    return {name: value for name, value in stored.items() if name not in _NOT_SAMPLING}


def check_settings(folder: Path, stored: Settings, wanted: Settings) -> None:
    """Check that a folder was made with the wanted settings.

    Raises:
        SettingsChanged: a setting differs; names it with both values.
    """
    changed = find_differences(stored, wanted)
    if changed.keys() == {"parser_version"}:
        raise SettingsChanged(
            f"the replies in {folder} were parsed by other rules ({changed['parser_version']}). Parse them again, "
            f"without a call: reasoning bench rescore {shlex.quote(str(folder))}; or give another --out"
        )
    if changed:
        raise SettingsChanged(
            f"{folder} was made with other settings: {'; '.join(changed.values())}. "
            "Give another --out, or omit --out, to keep both runs"
        )


def find_differences(stored: Settings, wanted: Settings) -> dict[str, str]:
    """Return the settings that differ, each with both values."""
    return {
        name: f"{name} {_format(stored, name)} → {_format(wanted, name)}"
        for name in dict.fromkeys([*stored, *wanted])
        if _as_json(stored.get(name)) != _as_json(wanted.get(name))
    }


def default_folder(settings: Settings, purpose: str = "") -> Path:
    """Return `results/TASK-MODEL-DIGEST`: equal settings have one folder, different settings different folders.

    Args:
        settings: the settings of the run.
        purpose: what is run besides plain strategies, such as "advise". Each has its own folder, so that it
            leaves nothing in the table of a plain run.
    """
    digest = hashlib.sha256(json.dumps(_as_json(settings), sort_keys=True).encode()).hexdigest()[:8]
    names = [safe_name(settings["task"]), safe_name(short_model_name(settings["model"])), digest, purpose]
    return Path("results") / "-".join(filter(None, names))


def safe_name(name: str) -> str:
    """Return a folder name made from the name of a task or model."""
    return re.sub(r"[^\w.]+", "_", name).strip("_.")[:40] or "run"


def short_model_name(model: str) -> str:
    """Return the name of a model without the hashes of local weights and adapters."""
    return model.partition("@")[0] if model.startswith(("local:", "torch:")) else model


def _as_json(value: Any) -> Any:
    """Return a value as JSON would give it back."""
    return json.loads(json.dumps(value, default=str))


def _format(values: Settings, name: str) -> str:
    return "none" if values.get(name) is None else str(values[name])
