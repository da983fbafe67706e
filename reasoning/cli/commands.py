"""The classes of commands: their help lists the options that matter first, and the others by subject."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from reasoning.cli import config
from reasoning.cli.option_classes import expand_options
from reasoning.cli.options import PANELS
from reasoning.errors import UnknownName

_FIRST = ("task", "strategies", "strategy", "model", "base_url", "limit", "max_tokens", "budget_usd", "budget_tokens")
"""The options that come first in the help, in this order."""
_LAST = (
    *("out", "dry_run", "yes", "trace", "output", "as_json", "config", "version", "debug"),
    *("install_completion", "show_completion", "help"),
)
"""The options that come last of those without a panel, in this order."""


class Command(TyperCommand):
    """A command whose help has a section for each panel of options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; the error of a value that is from the file of `--config` names its line."""
        ctx.meta[config.LINE] = tuple(args)
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            config.raise_located(ctx, error)
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command; the error of an unknown name also knows the names in the file of `--config`."""
        try:
            return super().invoke(ctx)
        except UnknownName as error:
            raise config.with_own_names(ctx, error) from None

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options, those without a panel first."""
        _write_parameters(self, ctx, formatter)


class Group(TyperGroup):
    """A group of commands whose help has the same form."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options of the group and its commands."""
        _write_parameters(self, ctx, formatter)
        self.format_commands(ctx, formatter)


class Commands(typer.Typer):
    """A Typer application of such commands, in which classes of options are expanded.

    Help and errors are plain text: rich takes longer to import than all of ours, and breaks the names of options
    on a narrow terminal.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"cls": Group, "rich_markup_mode": None, "add_completion": False} | settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """Return a decorator that adds a function as a command; see `expand_options`."""
        add = super().command(name, **{"cls": Command} | settings)

        def register(function: Any) -> Any:
            add(expand_options(function))
            return function

        return register


def _write_parameters(command: TyperCommand | TyperGroup, ctx: Any, formatter: Any) -> None:
    """Write a section of arguments, one of the options that matter, and one for each panel."""
    sections: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Arguments", "Options", *PANELS)}
    # `sorted` keeps the order of the declarations among the other options.
    for param in sorted(command.get_params(ctx), key=_rank):
        record = param.get_help_record(ctx)
        if record is None:
            continue
        if param.param_type_name == "argument":
            sections["Arguments"].append((param.metavar or param.name.upper(), _tidy(record[1])))
        else:
            panel = getattr(param, "rich_help_panel", None) or "Options"
            sections.setdefault(panel, []).append((record[0], _tidy(record[1])))
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def _tidy(text: str) -> str:
    """Return the help of a parameter without its range, which the error for a wrong value names."""
    text = re.sub(r"\[default: \((.*?)\)(?=[;\]])", r"[default: \1", text)
    return re.sub(r"  \[\]$", "", re.sub(r"(?:; )?(?:[\d.]+<=)?x[<>]=[\d.]+(?=\]$|; required\]$)", "", text))


def _rank(param: Any) -> int:
    names = (*_FIRST, "", *_LAST)
    return names.index(param.name if param.name in names else "")
