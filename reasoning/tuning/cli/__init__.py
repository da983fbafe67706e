"""The commands of `reasoning tune`."""

from __future__ import annotations

import typer

from reasoning.cli.commands import Commands
from reasoning.tuning.cli.adapters import list_adapters, merge_adapters, remove_adapter, show_adapter
from reasoning.tuning.cli.compare import compare
from reasoning.tuning.cli.estimate import estimate
from reasoning.tuning.cli.label import label
from reasoning.tuning.cli.methods import methods
from reasoning.tuning.cli.prompts import tune_prompts
from reasoning.tuning.cli.strategy import tune_strategy
from reasoning.tuning.cli.train import train

tune = Commands(no_args_is_help=True, help="Tune prompts for a model, and small models for the steps of a chain.")


def register(root: typer.Typer) -> None:
    """Add the commands of this package."""
    tune.command("prompts")(tune_prompts)
    tune.command("label")(label)
    tune.command("compare")(compare)
    tune.command("strategy")(tune_strategy)
    tune.command("methods")(methods)
    tune.command("estimate")(estimate)
    tune.command("train")(train)
    tune.command("list")(list_adapters)
    tune.command("show")(show_adapter)
    tune.command("merge")(merge_adapters)
    tune.command("remove")(remove_adapter)
    root.add_typer(tune, name="tune")
