"""The options that several commands share: the model, its budget, rate limits and journal."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from reasoning.cli import config, interrupts
from reasoning.cli.completion import complete_chains, complete_models, complete_prompts
from reasoning.cli.durations import parse_duration

if TYPE_CHECKING:
    from reasoning.engine.budget import Budget
    from reasoning.engine.llm import LLM

TASK = "More on the task"
PROMPTS = "More on prompts"
MODEL = "More on the model"
BUDGET = "More on budgets"
RATE_LIMITS = "More on rate limits and failures"
JOURNAL = "More on the journal"
MACHINES = "More on many machines"
PANELS = (TASK, PROMPTS, MODEL, BUDGET, RATE_LIMITS, JOURNAL, MACHINES)
"""The sections of the help below the options that matter most, in this order."""

MODEL_HELP = "local, local:NAME, local:NAME+ADAPTER, a litellm name such as openai/gpt-4o-mini, replay:FILE."
Model = Annotated[
    str,
    typer.Option("--model", "-m", help=MODEL_HELP, metavar="NAME", autocompletion=complete_models),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        help=f"{MODEL_HELP} Repeatable.",
        metavar="NAME",
        show_default="local",
        autocompletion=complete_models,
    ),
]
BaseUrl = Annotated[str | None, typer.Option(help="The address of an OpenAI-compatible server.", metavar="URL")]
BaseUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--base-url",
        help="The address of an OpenAI-compatible server. Repeatable, for several servers of the same model.",
        metavar="URL",
    ),
]
NewSamples = Annotated[
    bool,
    typer.Option("--new-samples", help="Draw new samples instead of using recorded ones.", rich_help_panel=JOURNAL),
]
PromptTexts = Annotated[
    list[str] | None,
    typer.Option(
        "--prompt",
        help="Replace a prompt, as in cot.trigger=TEXT or @FOLDER of tuned prompts; `reasoning prompts` lists the "
        "names. Repeatable.",
        metavar="NAME=TEXT",
        rich_help_panel=PROMPTS,
        autocompletion=complete_prompts,
    ),
]
Structured = Annotated[
    bool,
    typer.Option(
        "--structured",
        help="Ask for replies in JSON where they state an answer; the rest stays free text.",
        rich_help_panel=PROMPTS,
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        parser=parse_duration,
        help="Start no further problem after this time, such as 90s, 10m or 1h30m.",
        metavar="DURATION",
        rich_help_panel=BUDGET,
    ),
]
ChainFolder = Annotated[
    str,
    typer.Argument(
        metavar="CHAIN", help="The folder of a chain, or the name of a bundled chain.", autocompletion=complete_chains
    ),
]
AllowCode = Annotated[
    bool,
    typer.Option(
        "--allow-code", help="Run the functions that the chain names. Read the code of unknown authors first."
    ),
]


Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        help="Run on a Ray cluster: its address, or auto for this machine's cluster, or else one on this machine.",
        metavar="auto|ADDRESS",
        rich_help_panel=MACHINES,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="With --ray, the number of workers, each with a core.",
        min=1,
        metavar="N",
        show_default="the cores of the cluster",
        rich_help_panel=MACHINES,
    ),
]


@dataclass(frozen=True)
class BudgetOptions:
    """The limits on what a command may spend."""

    budget_usd: Annotated[
        float | None,
        typer.Option(help="Maximum cost in US dollars.", min=0, metavar="USD"),
    ] = None
    budget_tokens: Annotated[
        int | None,
        typer.Option(help="Maximum number of prompt and completion tokens.", min=0, metavar="N"),
    ] = None
    budget_calls: Annotated[
        int | None,
        typer.Option(help="Maximum number of completions.", min=0, metavar="N", rich_help_panel=BUDGET),
    ] = None
    budget_seconds: Annotated[
        float | None,
        typer.Option(help="Send no call after this many seconds.", min=0, metavar="SECONDS", rich_help_panel=BUDGET),
    ] = None

    @property
    def is_limited(self) -> bool:
        """True if any limit is set."""
        return any(getattr(self, field.name) is not None for field in dataclasses.fields(self))

    def to_budget(self) -> Budget:
        """Return a new budget with these limits."""
        from reasoning.engine.budget import Budget

        return Budget(self.budget_usd, self.budget_tokens, self.budget_calls, self.budget_seconds)


@dataclass(frozen=True)
class RateOptions:
    """The rate limits of the provider, and how long the run tolerates failures."""

    concurrency: Annotated[
        int | None,
        typer.Option(
            help="Maximum number of requests in flight.",
            min=1,
            show_default="32",
            metavar="N",
            rich_help_panel=RATE_LIMITS,
        ),
    ] = None
    requests_per_minute: Annotated[
        float | None,
        typer.Option(help="Maximum number of requests per minute.", min=1e-3, metavar="N", rich_help_panel=RATE_LIMITS),
    ] = None
    tokens_per_minute: Annotated[
        float | None,
        typer.Option(help="Maximum number of tokens per minute.", min=1e-3, metavar="N", rich_help_panel=RATE_LIMITS),
    ] = None
    timeout: Annotated[
        float | None,
        typer.Option(
            help="Seconds before a call is given up and tried again.",
            min=1e-3,
            show_default="60; 600 for a model that thinks",
            metavar="SECONDS",
            rich_help_panel=RATE_LIMITS,
        ),
    ] = None
    max_outage: Annotated[
        float | None,
        typer.Option(
            help="Seconds of nothing but failures after which the run ends.",
            min=1e-3,
            show_default="600",
            metavar="SECONDS",
            rich_help_panel=RATE_LIMITS,
        ),
    ] = None
    warm_prefix: Annotated[
        bool | None,
        typer.Option(
            help="Send the first of several requests with one prompt alone, to fill the provider's prefix cache.",
            show_default="if the provider has one",
            rich_help_panel=RATE_LIMITS,
        ),
    ] = None
    share_limits: Annotated[
        bool,
        typer.Option(
            "--share-limits",
            help="Share the limits with all processes that use the same model and journal and this option.",
            rich_help_panel=RATE_LIMITS,
        ),
    ] = False

    def to_settings(self) -> dict[str, Any]:
        """Return the arguments of `connect` that these options set."""
        settings: dict[str, Any] = {
            "concurrency": self.concurrency,
            "requests_per_minute": self.requests_per_minute,
            "tokens_per_minute": self.tokens_per_minute,
            "timeout": self.timeout,
            "patience": self.max_outage,
            "warm_prefix": self.warm_prefix,
            "shared": self.share_limits or None,
        }
        return {name: value for name, value in settings.items() if value is not None}


@dataclass(frozen=True)
class JournalOptions:
    """The file that records every completion."""

    journal: Annotated[
        Path | None,
        typer.Option(
            help="Record completions in this file.",
            metavar="FILE",
            show_default="the user's journal",
            rich_help_panel=JOURNAL,
        ),
    ] = None
    no_journal: Annotated[bool, typer.Option("--no-journal", help="Keep no journal.", rich_help_panel=JOURNAL)] = False

    def to_journal(self) -> Path | bool | None:
        """Return the argument `journal` of `connect`.

        Raises:
            typer.BadParameter: both options are given.
        """
        if self.no_journal and self.journal is not None:
            raise typer.BadParameter("--journal FILE and --no-journal exclude each other; give one of them")
        return False if self.no_journal else self.journal


@dataclass(frozen=True)
class ModelOptions:
    """Everything about a model except its name."""

    budget: BudgetOptions
    rate: RateOptions
    journal: JournalOptions
    base_url: BaseUrls = None
    max_tokens: Annotated[int | None, typer.Option(help="Maximum number of tokens per reply.", min=1, metavar="N")] = (
        None
    )
    temperature: Annotated[
        float | None,
        typer.Option(help="Temperature of calls that do not set their own.", min=0, metavar="T", rich_help_panel=MODEL),
    ] = None
    top_p: Annotated[
        float | None,
        typer.Option(
            help="Nucleus sampling of calls that do not set their own.",
            min=0,
            max=1,
            metavar="P",
            rich_help_panel=MODEL,
        ),
    ] = None
    sampling: Annotated[
        list[str] | None,
        typer.Option(
            help="Another sampling parameter, such as reasoning_effort=low, seed=7 or top_k=20. Repeatable.",
            metavar="NAME=VALUE",
            rich_help_panel=MODEL,
        ),
    ] = None
    sandbox: Annotated[
        str | None,
        typer.Option(
            help="Where model-written programs run: interpreter, process or container, with settings such as "
            "'process, packages=numpy+pandas, memory_mb=256' or 'container, image=python:3.13-slim'.",
            metavar="MODE[,NAME=VALUE…]",
            show_default="process",
            rich_help_panel=MODEL,
        ),
    ] = None

    flex: Annotated[
        bool,
        typer.Option(
            "--flex",
            help="Use the provider's flex tier: about half the price, slower, and busy at times.",
            rich_help_panel=MODEL,
        ),
    ] = False
    prompt_cache: Annotated[
        Literal["5m", "1h"] | None,
        typer.Option(
            help="Let Anthropic cache what prompts have in common, for 5m or 1h after each use.",
            metavar="TIME",
            rich_help_panel=MODEL,
        ),
    ] = None

    command_context: typer.Context | None = dataclasses.field(default=None, compare=False, repr=False)

    def connect(self, model: str, budget: Budget | None = None) -> LLM:
        """Return the model of this name with these options.

        Args:
            model: a name as in `connect`, or of a model in the file of `--config`.
            budget: a budget that several models share; by default a new one from these options.

        Raises:
            UsageError: the model is unknown, or an option does not fit it.
        """
        from reasoning.engine.connect import connect

        if budget is None and self.budget.is_limited:
            budget = self.budget.to_budget()
        settings = {**self.rate.to_settings(), **self.to_sampling(), **self.to_tier()}
        if self.sandbox is not None:
            settings["sandbox"] = self.sandbox
        base_url: str | Sequence[str] | None = self.base_url or None
        api_key, file = None, config.of(self.command_context)
        if file is not None and (named := file.models.get(model)) is not None:
            model, settings, api_key = named.model, {**named.settings, **settings}, named.api_key()
            if named.base_url is not None and not config.is_on_line(self.command_context, "base_url"):
                base_url = named.base_url
        return connect(
            model,
            base_url=base_url,
            api_key=api_key,
            journal=self.journal.to_journal(),
            budget=budget,
            **settings,
        )

    def to_tier(self) -> dict[str, Any]:
        """Return the arguments of `connect` that choose a service tier, and the cache of prompts."""
        cache = {"prompt_cache": self.prompt_cache} if self.prompt_cache is not None else {}
        return {**({"flex": True} if self.flex else {}), **cache}

    def to_sampling(self) -> dict[str, Any]:
        """Return the sampling parameters that these options set, by name.

        Raises:
            UsageError: a parameter of `--sampling` has no value, is given twice, or is unknown.
        """
        from reasoning.errors import UsageError
        from reasoning.sampling_params import validate_params

        named = {"max_tokens": self.max_tokens, "temperature": self.temperature, "top_p": self.top_p}
        settings = {name: value for name, value in named.items() if value is not None}
        for text in self.sampling or ():
            name, equals, value = (part.strip() for part in text.partition("="))
            if not name or not equals:
                raise UsageError(f"--sampling must be NAME=VALUE, such as reasoning_effort=low, got {text!r}")
            if name in settings:
                raise UsageError(f"the sampling parameter {name} must be given once, got it twice")
            settings[name] = _parse_value(value)
        # Here and not only in `connect`, to which `--sampling api_key=…` would be the key.
        validate_params(settings, "of --sampling")
        return settings

    @contextmanager
    def open_model(self, model: str) -> Iterator[LLM]:
        """Yield the model; an interrupt says that the recorded draws are kept."""
        with self.connect(model) as llm:
            if llm.journal.path is not None:
                interrupts.keep("the recorded draws are kept")
            yield llm


@dataclass(frozen=True)
class BatchModelOptions(ModelOptions):
    """Everything about a model that can be called in batches."""

    batch: Annotated[
        bool,
        typer.Option(
            "--batch",
            help="Send calls in batches, which providers answer within 24 hours for about half the price.",
        ),
    ] = False
    batch_wait: Annotated[
        float,
        typer.Option(
            help="Seconds without a new call after which a batch is sent.",
            min=0.05,
            metavar="SECONDS",
            rich_help_panel=RATE_LIMITS,
        ),
    ] = 10.0

    def to_tier(self) -> dict[str, Any]:
        """Return the arguments of `connect` that choose a service tier."""
        if not self.batch:
            return super().to_tier()
        from reasoning.providers.batch.client import BatchPace

        pace = BatchPace(quiet=self.batch_wait, first_poll=min(1.0, self.batch_wait))
        return {**super().to_tier(), "batch": pace}

    @property
    def kept_batches(self) -> str:
        """The words that say what becomes of batches if the command is interrupted."""
        return ", and submitted batches stay at the provider (see: reasoning batch list)" if self.batch else ""

    @contextmanager
    def open_model(self, model: str) -> Iterator[LLM]:
        """Yield the model; an interrupt says that the recorded draws and the batches are kept."""
        with super().open_model(model) as llm:
            if self.batch:
                interrupts.keep(f"the recorded draws are kept{self.kept_batches}")
            yield llm


def _parse_value(text: str) -> Any:
    """Return a JSON value, such as a number or a list; any other text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
