"""The page docs/reference/tuning-methods.md: the methods of training, from their cards, and what was measured."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from reasoning.tuning.training.methods import COMMON, METHODS, Method
from technique_pages.markdown import code, link, prose, table

MEASURED = Path(__file__).with_name("tuning_measured.toml")
_SERVED = {"llama.cpp": "llama.cpp, as an adapter", "merged": "llama.cpp, merged", "torch": "PyTorch"}
_ABOUT = (
    "The methods of `reasoning tune train --method NAME`. `reasoning tune methods NAME` shows a card in the terminal, "
    "and [Tune a step](../how-to/tune-a-step.md) goes from labels to a model in use.",
    "All run on a CPU; a GPU is not used. Start with lora, or with alora if the prompt's instructions are turns of "
    "their own, and look at the memory with `reasoning tune estimate`.",
)


def page() -> str:
    """Return the page."""
    header = ("method", "trains", "served by")
    rows = [
        (link(code(one.name), f"#{one.name}"), prose(one.trains), _SERVED[one.served_by]) for one in METHODS.values()
    ]
    common = ", ".join(code(f"{name}={value}") for name, value in COMMON.items())
    parts = ["# Methods of training", *_ABOUT, table(header, rows), *_measured()]
    parts += ["## Settings of all methods", f"{common}. Change one with `--set NAME=VALUE`."]
    parts += [part for one in METHODS.values() for part in _card(one)]
    return "\n\n".join(parts) + "\n"


def _card(one: Method) -> list[str]:
    settings = ", ".join(code(f"{name}={value}") for name, value in one.settings.items())
    rows = [
        ("name", prose(one.title)),
        ("paper", prose(one.paper)),
        ("trains", prose(one.trains)),
        ("memory", prose(one.memory)),
        ("use it when", prose(one.use_when)),
        ("avoid it when", prose(one.avoid_when)),
        ("served by", prose(one.serving)),
        ("settings", settings),
    ]
    rows += [("needs", code(f"pip install {one.requires}"))] if one.requires else []
    return [f"## {one.name}", table(("", ""), rows)]


def _measured() -> list[str]:
    """Return the section of measured rows; nothing without them."""
    if not MEASURED.exists():
        return []
    data = tomllib.loads(MEASURED.read_text(encoding="utf-8"))
    header = ("method", "model", "batch", "steps", "seed", "trained parameters")
    cost = ("seconds a step", "peak GB", "estimated GB")
    judged = ("gold entries before", "after", "p")
    return [
        "## Measured",
        prose(data["about"]),
        table((*header, *cost, *judged), [_row(row) for row in data["row"]]),
        *map(prose, data["notes"]),
    ]


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    size = str(row["batch"]), str(row["steps"]), str(row.get("seed", 1)), f"{row['trained_parameters']:,}"
    cost = f"{row['step_seconds']:.0f}", f"{row['peak_gb']:.2f}", f"{row['estimated_gb']:.2f}"
    judged = ("", "", "")
    if "right" in row:
        judged = f"{row['right_before']} of {row['entries']}", f"{row['right']} of {row['entries']}", f"{row['p']:.2g}"
    return code(row["method"]), row["model"], *size, *cost, *judged
