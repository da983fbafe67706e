"""The command `reasoning advise`: a technique for a task, after a race in a budget."""

from __future__ import annotations

from typing import Annotated

import typer

from reasoning.benchmarks.cli.results import print_comparison
from reasoning.benchmarks.cli.run_output import describe_cost, exit_with_status
from reasoning.benchmarks.cli.task_options import (
    NEW_SAMPLES_NEED_OUT,
    Fields,
    Margin,
    Out,
    Pool,
    PoolSize,
    Seed,
    Split,
    Task,
    choose_limit,
)
from reasoning.cli import config as config_file
from reasoning.cli import interrupts
from reasoning.cli.completion import complete_spec_list
from reasoning.cli.options import MODEL, PROMPTS, Model, ModelOptions, NewSamples, PromptTexts, TimeLimit
from reasoning.cli.output import OutputOptions, echo, info, print_json


def advise(
    task: Task,
    model: Model = "local",
    fields: Fields = None,
    split: Split = "",
    strategies: Annotated[
        str | None,
        typer.Option(
            help="The candidates.",
            metavar="SPECS",
            show_default="one of each mechanism",
            callback=config_file.resolve_strategies,
            autocompletion=complete_spec_list,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            help="Largest number of problems; 0 is all.",
            min=0,
            show_default="200; all of your own file",
            metavar="N",
        ),
    ] = None,
    seed: Seed = 0,
    margin: Margin = 3,
    effort: Annotated[
        str | None,
        typer.Option(
            help="Efforts of thought that each candidate is raced at, as in low,high.",
            show_default="for a model that thinks: those that it takes, without a technique and with chain of thought",
            metavar="EFFORTS",
            rich_help_panel=MODEL,
        ),
    ] = None,
    time_limit: TimeLimit = None,
    pool: Pool = None,
    pool_size: PoolSize = None,
    out: Out = None,
    new_samples: NewSamples = False,
    prompt: PromptTexts = None,
    structured: Annotated[
        bool,
        typer.Option(
            "--structured",
            help="Also race candidates with structured replies, in JSON: each that can have them; of the default "
            "ones, vanilla.",
            rich_help_panel=PROMPTS,
        ),
    ] = False,
    *,
    output: OutputOptions,
    options: ModelOptions,
) -> None:
    """Recommend a technique for a task after a race in a budget.

    Exit codes: as for bench run; 3 if the budget stopped the race, 4 if calls failed for good.
    """
    from reasoning import registry, spec
    from reasoning.benchmarks.advise import USUAL_LIMIT
    from reasoning.benchmarks.advise import advise as recommend
    from reasoning.benchmarks.analysis.recommendation import MIN_PROBLEMS
    from reasoning.benchmarks.results.settings import default_folder, run_settings
    from reasoning.benchmarks.runs.config import RunConfig
    from reasoning.benchmarks.runs.progress import RunProgress
    from reasoning.benchmarks.tasks import get, get_pool
    from reasoning.errors import UsageError
    from reasoning.prompt_overrides import override_prompts
    from reasoning.strategies.direct.effort import parse_efforts

    if new_samples and out is None:
        raise UsageError(NEW_SAMPLES_NEED_OUT)
    if not options.budget.is_limited and time_limit is None:
        raise UsageError("advise needs a limit: --budget-usd, --budget-tokens, --budget-calls or --time-limit")
    if limit and limit < MIN_PROBLEMS:
        raise UsageError(f"--limit must be at least {MIN_PROBLEMS} for advice, or 0 for all problems, got {limit}")
    source = get(task, fields, split)
    selection = choose_limit(source, limit, seed, USUAL_LIMIT)
    with RunProgress() as progress, options.connect(model) as llm:
        folder = out or default_folder(run_settings(source, seed, llm), "advise")
        interrupts.keep(f"the results are kept in {folder}")
        config = RunConfig(
            limit=selection.count,
            seed=seed,
            folder=folder,
            time_limit=time_limit,
            race_margin=margin,
            new_samples=new_samples,
            selection=selection,
            pool=None if pool is None else get_pool(pool, fields),
            pool_size=pool_size,
        )
        candidates = None if strategies is None else list(map(registry.get, spec.split(strategies)))
        if prompt:
            if candidates is None:
                raise UsageError("--prompt needs the candidates that have the prompt; give --strategies")
            candidates = override_prompts(candidates, prompt)
        efforts = None if effort is None else parse_efforts(effort)
        recommendation = recommend(source, llm, config, progress, candidates, efforts, structured=structured)
    if output.format == "json":
        print_json(recommendation.to_json())
    else:
        print_comparison(recommendation.comparison, output.format)
        info("")
        if output.format != "csv":
            echo(f"\n{recommendation}")
        info(describe_cost(recommendation.comparison))
        info(f"results: {folder}")
    exit_with_status([recommendation.comparison])
