"""The options that the commands about training share: the examples, and the settings of a method."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasoning.cli.completion import complete_chains, complete_weights

if TYPE_CHECKING:
    from reasoning.tuning.examples.example_file import ExampleFile

SETTINGS = "More on the method"
Chain = Annotated[
    str | None,
    typer.Argument(
        metavar="CHAIN",
        help="The folder of a chain whose step is labelled.",
        show_default=False,
        autocompletion=complete_chains,
    ),
]
Step = Annotated[str | None, typer.Argument(metavar="STEP", help="The step.", show_default=False)]
BaseModel = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="The model to train: local:NAME or local:FILE.gguf.",
        metavar="NAME",
        autocompletion=lambda incomplete: [
            f"local:{name}" for name in complete_weights(incomplete.removeprefix("local:"))
        ],
    ),
]
BASE = "local:smollm2-135m"


def _complete_methods(incomplete: str) -> list[str]:
    from reasoning.tuning.training.methods import METHODS

    return [name for name in METHODS if name.startswith(incomplete)]


MethodName = Annotated[
    str,
    typer.Option(
        help="The method of training; `reasoning tune methods` lists them.",
        metavar="NAME",
        autocompletion=_complete_methods,
    ),
]


@dataclass(frozen=True)
class ExampleOptions:
    """The file of examples, if it is not that of a chain's step."""

    examples: Annotated[
        Path | None,
        typer.Option(help="A file of examples, in place of CHAIN and STEP.", metavar="FILE"),
    ] = None

    def read(self, chain: str | None, step: str | None) -> ExampleFile:
        """Return the examples.

        Raises:
            UsageError: neither a file nor a step is given, or both; or the step has no labels.
            InputError: the file is not valid.
        """
        from reasoning.chain.scaffold import resolve_folder
        from reasoning.errors import UsageError
        from reasoning.registry import bundled_chains
        from reasoning.tuning.examples.example_file import read_examples
        from reasoning.tuning.examples.labelling import labels_path

        if (self.examples is None) == (chain is None or step is None) or (self.examples and chain):
            raise UsageError("give either CHAIN and STEP, or --examples FILE")
        if self.examples is not None:
            return read_examples(self.examples)
        assert chain is not None
        folder = resolve_folder(chain)
        if folder in bundled_chains().values():
            raise UsageError(
                f"{chain} is a bundled chain, whose labels are in the folder that you gave to `reasoning tune label "
                f"{chain} {step} --out FOLDER`: give --examples FOLDER/{step}.jsonl"
            )
        path = labels_path(folder, str(step))
        if not path.is_file():
            raise UsageError(f"{chain} has no labels of {step}: make some with `reasoning tune label {chain} {step}`")
        return read_examples(path)


@dataclass(frozen=True)
class SettingOptions:
    """The settings of a method of training."""

    rank: Annotated[
        int | None,
        typer.Option(help="Rank of lora, alora, qlora and sparse.", min=1, metavar="N", show_default="16"),
    ] = None
    batch: Annotated[
        int | None, typer.Option(help="Examples computed at once.", min=1, metavar="N", show_default="4")
    ] = None
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Largest learning rate.", metavar="RATE", show_default="the method's"),
    ] = None
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Another setting of the method, as in accumulate=2; `reasoning tune methods NAME` lists them. "
            "Repeatable.",
            metavar="NAME=VALUE",
        ),
    ] = None

    def to_settings(self) -> dict[str, Any]:
        """Return the settings that are given.

        Raises:
            UsageError: a value of `--set` is not NAME=VALUE, or a setting is given twice.
        """
        from reasoning.errors import UsageError

        named = {"rank": self.rank, "batch": self.batch, "learning_rate": self.learning_rate}
        settings: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        for text in self.set or ():
            name, equals, value = (part.strip() for part in text.partition("="))
            if not name or not equals or not value:
                raise UsageError(f"--set must be NAME=VALUE, such as accumulate=2, got {text!r}")
            if name in settings:
                raise UsageError(f"the setting {name} must be given once, got it twice")
            try:
                settings[name] = json.loads(value)
            except ValueError:
                settings[name] = value
        return settings
