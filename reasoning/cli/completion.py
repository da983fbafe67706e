"""Shell completion: the shells' protocols, and the values of options.

A completion must be quick, so nothing here imports a provider or a model. Values from files, such as the names of
models in a journal, are offered only if they have no character that a shell may interpret.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from functools import wraps
from pathlib import Path
from typing import Any

import typer

VARIABLE = "_REASONING_COMPLETE"
_SAFE = re.compile(r"[\w .,:;/@+=()%~-]*")
_BREAKS = frozenset(":=<>;|&(")
"""The characters at which bash begins a new word, besides blanks and quotes."""
_SECONDS = 0.1
"""The longest time for reading the names of models in a journal."""

Completer = Callable[[typer.Context, str], list[str]]


def completes(names: Callable[[typer.Context, str], Iterable[str]]) -> Completer:
    """Return a function for `autocompletion` that offers the safe names with the typed beginning.

    Args:
        names: yields names; an error ends them, since a completion has no place for a message.
    """

    @wraps(names)
    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        found: dict[str, None] = {}
        with suppress(Exception):
            for name in names(ctx, incomplete):
                if name.startswith(incomplete) and _SAFE.fullmatch(name):
                    found[name] = None
        return list(found)

    return complete


@completes
def complete_specs(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the spec with one more technique, also as the base of another one."""
    yield from _specs(ctx, incomplete)


@completes
def complete_spec_list(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the specs with one more technique."""
    matching = [specs for specs in _specs(ctx, incomplete) if specs.startswith(incomplete)]
    yield from matching
    if len(matching) == 1:
        # After the only possible word a shell would close the quotes and begin another argument.
        yield f"{matching[0]},"


@completes
def complete_prompts(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the names of prompts, as in `cot.trigger=`; those of one technique after its dot."""
    technique, dot, _ = incomplete.partition(".")
    matching = [name for name in _techniques() if name.startswith(technique)]
    if dot or len(matching) == 1:
        yield from (f"{name}=" for name in _prompt_names(technique if dot else matching[0]))
    else:
        yield from (f"{name}." for name in matching)


@completes
def complete_spec_or_prompt(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield techniques, and the prompts of one technique after its dot."""
    technique, dot, _ = incomplete.partition(".")
    yield from _prompt_names(technique) if dot else _techniques()


@completes
def complete_models(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the models that are on this machine, in the file of `--config`, in `models.toml` and in the journal."""
    from reasoning import paths
    from reasoning.providers import adapters
    from reasoning.providers.llama_cpp import weights
    from reasoning.providers.model_table import users_file
    from reasoning.toml_io import TomlFile

    yield "local"
    yield from (f"local:{entry.name}" for entry in weights.CATALOGUE if weights.find(entry.name))
    yield from (adapter.model for adapter in adapters.all_adapters())
    yield from named_in_config(ctx, "models")
    if (file := users_file()) is not None:
        patterns = (pattern for table in TomlFile(file).values for pattern in table.split())
        yield from (pattern for pattern in patterns if not re.search(r"[*?\[]", pattern))
    yield from _recorded_models(paths.data_dir() / "journal.sqlite")


@completes
def complete_weights(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the local models of the catalogue."""
    from reasoning.providers.llama_cpp import weights

    yield from (entry.name for entry in weights.CATALOGUE)


@completes
def complete_adapters(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the user's adapters, as in smollm2-135m+cat."""
    from reasoning.providers import adapters

    yield from (f"{base}+{name}" for base, name in adapters.names())


@completes
def complete_kinds(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the kinds of answers."""
    yield from ("text", "number", "yesno", "date", "expression", "items", "cells", "code", "json", "choice", "label")


@completes
def complete_chains(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the bundled chains, and the folders of chains below the typed one."""
    from reasoning.registry import bundled_chains

    yield from bundled_chains()
    yield from _folders_with("chain.toml", incomplete)


@completes
def complete_results(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield results folders: those below the typed folder, and those in `results`."""
    yield from _folders_with("run.json", incomplete)
    yield from _folders_with("run.json", "results/")


def named_in_config(ctx: typer.Context, table: str) -> Iterator[str]:
    """Yield the names of a table in the file of `--config` or of its variable."""
    from reasoning.cli.config import VARIABLE as CONFIG
    from reasoning.toml_io import TomlFile

    if path := ctx.params.get("config") or os.environ.get(CONFIG):
        yield from TomlFile(Path(path)).values.get(table, {})


def _specs(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    begin = re.match(r"(?:.*[,(=]\s*)?", incomplete)
    names = [*_techniques(), *named_in_config(ctx, "strategies")]
    yield from (f"{begin[0] if begin else ''}{name}" for name in names)


def _techniques() -> list[str]:
    from reasoning import plugins, registry

    return list(dict.fromkeys([*registry.places(), *plugins.entry_points(registry.GROUP)]))


def _prompt_names(technique: str) -> Iterator[str]:
    from reasoning import registry
    from reasoning.prompt_overrides import prompts

    yield from (name for name in prompts(registry.get(technique)) if name.startswith(f"{technique}."))


def _folders_with(file: str, incomplete: str) -> Iterator[str]:
    """Yield the folders with a file below the folder that is typed, as they would be typed."""
    typed = incomplete.rpartition("/")[0]
    begin = f"{typed}/" if "/" in incomplete else ""
    for path in sorted(Path(begin or ".").expanduser().glob(f"*/{file}")):
        yield f"{begin}{path.parent.name}"


def _recorded_models(path: Path) -> Iterator[str]:
    """Yield the models of a journal, as far as they are found in a short time."""
    from reasoning.journal.connection import open_for_reading

    if (connection := open_for_reading(path)) is None:
        return
    deadline = time.monotonic() + _SECONDS
    with closing(connection):
        connection.set_progress_handler(lambda: int(time.monotonic() > deadline), 1000)
        for (model,) in connection.execute("SELECT DISTINCT model FROM requests"):
            # A recording is named by its file, and weights have a digest.
            if not model.startswith("replay:") and "@" not in model:
                yield model


def complete(command: Any, instruction: str) -> None:
    """Print the completions that a shell asks for, as `_REASONING_COMPLETE=complete_bash` does.

    Args:
        command: the command `reasoning`.
        instruction: the value of the variable.
    """
    from typer import _completion_classes as shells

    from reasoning.cli.output import echo

    class Bash(shells.BashComplete):
        begin = ""

        def get_completion_args(self) -> tuple[list[str], str]:
            words = os.environ.get("COMP_WORDS", "").split("\n")
            args, incomplete, self.begin = split_bash(words, int(os.environ.get("COMP_CWORD", "0")))
            return args, incomplete

        def format_completion(self, item: Any) -> str:
            # Bash replaces only what follows the last of its breaks.
            return str(item.value).removeprefix(self.begin)

    class Zsh(shells.ZshComplete):
        def get_completion_args(self) -> tuple[list[str], str]:
            return split_line(os.environ.get("_TYPER_COMPLETE_ARGS", ""))

    class Fish(shells.FishComplete):
        def get_completion_args(self) -> tuple[list[str], str]:
            return split_line(os.environ.get("_TYPER_COMPLETE_ARGS", ""))

    known: dict[str, Any] = {"complete_bash": Bash, "complete_zsh": Zsh, "complete_fish": Fish}
    shell = known.get(instruction)
    if shell is not None:
        echo(shell(command, {}, "reasoning", VARIABLE).complete())
        raise SystemExit(0)


def split_line(line: str) -> tuple[list[str], str]:
    """Return the arguments of a command line and the word at its end, which may be in open quotes.

    Examples:
        >>> split_line("reasoning ask --strategy 'self_consistency(c")
        (['ask', '--strategy'], 'self_consistency(c')
    """
    end = "\0"
    for quote in ("", "'", '"'):
        with suppress(ValueError):
            words = shlex.split(f"{line}{end}{quote}")
            return words[1:-1], words[-1].rstrip(end)
    return [], ""


def split_bash(words: list[str], current: int) -> tuple[list[str], str, str]:
    """Return the arguments before the current word, that word, and the part of it that bash does not replace.

    Bash also splits words at colons and other characters: `gym:ch` is three of its words.

    Examples:
        >>> split_bash(["reasoning", "bench", "run", "--task", "gym", ":", "ch"], 6)
        (['bench', 'run', '--task'], 'gym:ch', 'gym:')
    """
    words = [*words[: current + 1], *[""] * (current + 1 - len(words))]
    joined: list[str] = []
    for index, word in enumerate(words):
        is_break = bool(word) and set(word) <= _BREAKS
        follows = index > 1 and bool(words[index - 1]) and set(words[index - 1]) <= _BREAKS
        if index > 1 and (is_break or (follows and word)):
            joined[-1] += word
        else:
            joined.append(word)
    last = words[-1]
    whole = split_line(f"reasoning {joined[-1]}")[1]
    typed = "" if set(last) <= _BREAKS else split_line(f"reasoning {last}")[1]
    begin = whole.removesuffix(typed) if typed else whole if last else ""
    return [split_line(f"reasoning {word}")[1] for word in joined[1:-1]], whole, begin
