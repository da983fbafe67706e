"""The file of `--config`: options of commands, and names for models, tasks, strategies and a budget.

Its options become the defaults of the command's own options, so there is no second parser. The command line wins
over the file, and an option wins over what a name stands for.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from reasoning.errors import UnknownName, UsageError

VARIABLE = "REASONING_CONFIG"
_KEY = "reasoning.config"
LINE = "reasoning.line"
"""The key of the command's words in the context's `meta`."""


def load(context: typer.Context, path: Path | None) -> Path | None:
    """Read the file, and make its options the defaults of the command.

    Args:
        context: the command's context.
        path: the file; None for no file.

    Raises:
        InputError: the file cannot be read, or a table or key of it is unknown or invalid; names the line.
    """
    if path is not None and not context.resilient_parsing and context.parent is not None:
        config = Config.read(path, context.find_root().command)
        context.meta[_KEY] = config
        defaults, line = config.defaults(context), context.meta.get(LINE, ())
        # The command line wins over the file, also with the opposite of an option.
        for name, opposite in (("journal", "--no-journal"), ("no_journal", "--journal")):
            if any(word.partition("=")[0] == opposite for word in line):
                defaults.pop(name, None)
        context.default_map = defaults
    return path


ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Take options, and names of models, tasks and strategies, from this TOML file.",
        metavar="FILE",
        envvar=VARIABLE,
        show_envvar=True,
        is_eager=True,
        callback=load,
    ),
]


def of(context: typer.Context | None) -> Config | None:
    """Return the file of the running command, if it has one."""
    return context.meta.get(_KEY) if context is not None else None


def resolve_task(context: typer.Context, task: str | None) -> str | None:
    """Return the source of a task that the file names; its fields and limit become defaults of the command."""
    config = of(context)
    if config is None or task is None or task not in config.tasks:
        return task
    named = config.tasks[task]
    # Fields belong to the source; a limit or a seed of the command's own table is the nearer one.
    settings = {name: value for name, value in named.items() if name in ("fields", "split")}
    context.default_map = {**named, **(context.default_map or {}), **settings}
    return str(named["source"])


def resolve_strategies(context: typer.Context, specs: str | None) -> str | None:
    """Return specs in which the specs of the file stand for their names, and specs for folders of tuned prompts."""
    if specs is None:
        return None
    specs = insert_tuned(specs)
    config = of(context)
    return insert_specs(specs, config.strategies) if config is not None and config.strategies else specs


def raise_located(context: Any, error: typer.BadParameter) -> None:
    """Raise an error that names the line of the file, if a wrong value of an option comes from it."""
    config, param = of(context), getattr(error, "param", None)
    source = context.get_parameter_source(param.name) if config is not None and param is not None else None
    if config is not None and source is not None and source.name == "DEFAULT_MAP":
        for table, key in config.places(context, param):
            raise config.toml.error(f"{key}: {error.message}", table, key=key) from None


def with_own_names(context: Any, error: UnknownName) -> UnknownName:
    """Return the error of an unknown name with the names of the file among the known ones."""
    config = of(context)
    if config is None:
        return error
    named = {"model": config.models, "task": config.tasks, "strategy": config.strategies}.get(error.what)
    return UnknownName(error.what, error.name, [*error.known, *named], error.where) if named else error


@dataclass(frozen=True)
class NamedModel:
    """A model of the file.

    Attributes:
        model: the name for `connect`.
        place: the file and line of its table.
        base_url: the address of its server, or of each of several.
        api_key_env: the environment variable with its key.
        settings: arguments of `connect`, sampling parameters among them.
    """

    model: str
    place: str
    base_url: str | Sequence[str] | None = None
    api_key_env: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def api_key(self) -> str | None:
        """Return the key from the environment; None if the model names no variable.

        Raises:
            UsageError: the variable is not set.
        """
        if self.api_key_env is None:
            return None
        if not (key := os.environ.get(self.api_key_env)):
            raise UsageError(f"{self.place}: the environment variable {self.api_key_env} must hold the key; set it")
        return key


@dataclass(frozen=True)
class Config:
    """The content of the file.

    Attributes:
        toml: the file.
        options: values of options by the name of a command, such as "bench.run", and then of a parameter.
        models: the named models.
        tasks: the named tasks: their source, fields, split, limit and seed.
        strategies: the specs of the named strategies.
        budget: values of the budget options of all commands.
    """

    toml: Any
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    models: Mapping[str, NamedModel] = field(default_factory=dict)
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    strategies: Mapping[str, str] = field(default_factory=dict)
    budget: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, root: Any) -> Config:
        """Return the content of a file.

        Args:
            path: the file.
            root: the command `reasoning`, whose commands and options may be in the file.

        Raises:
            InputError: the file cannot be read, or a table or key of it is unknown or invalid; names the line.
        """
        from reasoning.cli.config_reader import read_config

        return read_config(path, root)

    def defaults(self, context: typer.Context) -> dict[str, Any]:
        """Return the values of a command's options, by the names of its parameters."""
        names = {param.name for param in context.command.params}
        budget = {name: value for name, value in self.budget.items() if name in names}
        return {**budget, **self.options.get(command_name(context), {})}

    def places(self, context: typer.Context, param: Any) -> Iterator[tuple[str, str]]:
        """Yield the table and the key that may have set a parameter: the command's own, the budget, a task."""
        keys = {option_key(param), option_key(param).replace("_", "-")}
        own = command_name(context)
        if param.name in self.options.get(own, {}):
            yield own, next((key for key in keys if self.toml.has(own, key)), option_key(param))
        elif param.name in self.budget:
            yield "budget", param.name.removeprefix("budget_")
        else:
            yield from ((f"tasks.{name}", param.name) for name, task in self.tasks.items() if param.name in task)


def command_name(context: Any) -> str:
    """Return the name of a command in the file, such as "bench.run"."""
    names: list[str] = []
    while context.parent is not None:
        names.insert(0, context.info_name)
        context = context.parent
    return ".".join(names)


def option_key(param: Any) -> str:
    """Return the key of an option in the file: its long name, with underscores."""
    return str(max(param.opts, key=len)).lstrip("-").replace("-", "_")


def is_on_line(context: typer.Context | None, name: str) -> bool:
    """Return whether a parameter was given on the command line."""
    source = None if context is None else context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


class _Insertion(ast.NodeTransformer):
    def __init__(self, specs: Mapping[str, str]) -> None:
        self.specs = specs

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.parse(self.specs[node.id], mode="eval").body if node.id in self.specs else node


def insert_tuned(specs: str) -> str:
    """Return specs, separated by commas, in which the spec of a tuned strategy stands for its folder.

    A folder is written in quotes, or alone with a slash: "cot, 'tuned'" or "./tuned".

    Raises:
        InputError: a folder is missing or has no tuned prompts.
    """
    from reasoning.prompt_overrides import read_tuned

    if "/" in specs and not set(specs) & set("'\"(,"):
        return repr(read_tuned(specs.strip()))
    if not set(specs) & set("'\""):
        return specs
    nodes = _parse_specs(specs)
    folders = [node.value if isinstance(node, ast.Constant) else None for node in nodes]
    if not any(isinstance(folder, str) for folder in folders):
        return specs
    return ", ".join(
        repr(read_tuned(folder)) if isinstance(folder, str) else ast.unparse(node)
        for node, folder in zip(nodes, folders, strict=True)
    )


def insert_specs(specs: str, named: Mapping[str, str]) -> str:
    """Return specs, separated by commas, in which other specs stand for their names."""
    return ", ".join(ast.unparse(_Insertion(named).visit(node)) for node in _parse_specs(specs))


def _parse_specs(specs: str) -> list[ast.expr]:
    from reasoning import spec

    return [ast.parse(part, mode="eval").body for part in spec.split(specs)]
