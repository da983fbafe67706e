"""The command `reasoning bench run`, and the registration of this package's commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.benchmarks.cli import exchange, results
from reasoning.benchmarks.cli.advise import advise
from reasoning.benchmarks.cli.annotate import annotate
from reasoning.benchmarks.cli.run_output import confirm_cost, exit_with_status, print_cost, print_models, print_results
from reasoning.benchmarks.cli.shards import check_shard_options, merge, on_cluster, ray_cluster, run_shard_command
from reasoning.benchmarks.cli.task_options import (
    NEW_SAMPLES_NEED_OUT,
    Fields,
    Limit,
    LocalDir,
    Margin,
    Out,
    Pool,
    PoolSize,
    Seed,
    ShardOption,
    Split,
    Task,
    choose_limit,
)
from reasoning.benchmarks.cli.tasks import tasks
from reasoning.benchmarks.cli.view import view
from reasoning.cli import config as config_file
from reasoning.cli import interrupts
from reasoning.cli.commands import Commands
from reasoning.cli.completion import complete_prompts, complete_spec_list
from reasoning.cli.options import (
    BUDGET,
    PROMPTS,
    TASK,
    BatchModelOptions,
    Models,
    NewSamples,
    PromptTexts,
    Ray,
    Structured,
    TimeLimit,
    Workers,
)
from reasoning.cli.output import OutputOptions, info

if TYPE_CHECKING:
    from reasoning.benchmarks.analysis.comparison import Comparison
    from reasoning.benchmarks.tasks import Task as TaskSource
    from reasoning.benchmarks.tracking import TrackedRun
    from reasoning.engine.budget import Budget
    from reasoning.engine.llm import LLM

RACE_OF_BATCHES = (
    "in batches, a race saves only what was not sent yet: --concurrency N keeps at most N calls and solves in "
    "progress, for a cheaper race with more batches, one after the other"
)
bench = Commands(help="Compare techniques on the same problems.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add this package's commands."""
    results.register(bench)
    bench.command()(merge)
    exchange.register(bench)
    root.add_typer(bench, name="bench")
    root.command("tasks")(tasks)
    root.command("advise")(advise)
    root.command("annotate")(annotate)
    root.command("view")(view)


@bench.command()
def run(
    task: Task,
    strategies: Annotated[
        str,
        typer.Option(
            help="Specs separated by commas, as in 'vanilla, cot(shots=4)'.",
            metavar="SPECS",
            callback=config_file.resolve_strategies,
            autocompletion=complete_spec_list,
        ),
    ],
    model: Models = None,
    fields: Fields = None,
    split: Split = "",
    limit: Limit = None,
    seed: Seed = 0,
    epochs: Annotated[
        int,
        typer.Option(
            help="Independent repetitions of every problem.", min=1, max=2048, metavar="N", rich_help_panel=TASK
        ),
    ] = 1,
    pool: Pool = None,
    pool_size: PoolSize = None,
    out: Out = None,
    new_samples: NewSamples = False,
    prompt: PromptTexts = None,
    structured: Structured = False,
    prompt_variant: Annotated[
        list[str] | None,
        typer.Option(
            help="Also compare a variant with this prompt. Repeatable.",
            metavar="NAME=TEXT",
            rich_help_panel=PROMPTS,
            autocompletion=complete_prompts,
        ),
    ] = None,
    prompt_formats: Annotated[
        bool,
        typer.Option(
            "--prompt-formats",
            help="Also compare every format: XML, Markdown, …, one turn or chat turns.",
            rich_help_panel=PROMPTS,
        ),
    ] = False,
    effort: Annotated[
        str | None,
        typer.Option(
            help="Each strategy at each of these efforts of thought, as in low,medium,high.",
            metavar="EFFORTS",
            rich_help_panel=TASK,
        ),
    ] = None,
    time_limit: TimeLimit = None,
    race: Annotated[
        bool,
        typer.Option(
            "--race",
            help="Stop strategies that can no longer be the best by more than --margin.",
            rich_help_panel=TASK,
        ),
    ] = False,
    margin: Margin = 3,
    strategy_budget: Annotated[
        str | None,
        typer.Option(
            help="Budget of each strategy, as in 'usd=1, tokens=50000'.", metavar="LIMITS", rich_help_panel=BUDGET
        ),
    ] = None,
    problem_budget: Annotated[
        str | None,
        typer.Option(help="Budget of each strategy on one problem.", metavar="LIMITS", rich_help_panel=BUDGET),
    ] = None,
    log_to: Annotated[
        list[str] | None,
        typer.Option(
            help="Also log the run to a tracker: mlflow or wandb. Repeatable.", metavar="TRACKER", rich_help_panel=TASK
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the cost of the run, without any call.")] = False,
    shard: ShardOption = None,
    local_dir: LocalDir = None,
    ray: Ray = None,
    workers: Workers = None,
    yes: Annotated[bool, typer.Option("--yes", help="Start a dear run of your own file without asking.")] = False,
    *,
    output: OutputOptions,
    options: BatchModelOptions,
) -> None:
    """Run strategies on the same problems. The same command continues a stopped run.

    Budgets are those of the run: what earlier commands with the same results folder spent counts.

    Strategies that must learn first, such as auto_cot, are fitted on examples that are not judged; what they learn is
    kept in DIR/fitted, and what it cost is in a column of its own.

    Without --limit, all problems of your own file run. If that may cost more than $1 or 10 minutes, the forecast is
    printed, and a terminal asks first; --yes, --limit or a budget answers the question.

    With --shard I/N or --ray, the budget and the rate limits that are given are those of the whole run.

    Exit codes: 0 all done, 1 not started, 2 wrong usage, 3 stopped by the budget, 4 some calls failed for good.

    Results are kept in every case.
    """
    from reasoning import registry, spec
    from reasoning.benchmarks import experiment
    from reasoning.benchmarks.runs.config import RunConfig
    from reasoning.benchmarks.runs.cost_estimate import estimate_cost
    from reasoning.benchmarks.runs.listeners import Listeners
    from reasoning.benchmarks.runs.progress import RunProgress
    from reasoning.benchmarks.tasks import get, get_pool
    from reasoning.call_counts import describe_defaults
    from reasoning.chain.structured import structure_all
    from reasoning.engine.budget import Budget
    from reasoning.errors import UsageError
    from reasoning.prompt_overrides import prompt_variants
    from reasoning.strategies.direct.effort import at_efforts, parse_efforts
    from reasoning.strategies.direct.prompt_format import format_variants

    if new_samples and out is None:
        raise UsageError(NEW_SAMPLES_NEED_OUT)
    cluster = ray_cluster(ray, workers)
    if shard is not None and cluster is not None:
        raise UsageError("--shard and --ray exclude each other: Ray divides the run itself")
    if shard is not None or cluster is not None:
        options = check_shard_options(shard, model, options)
    if shard is None and local_dir is not None:
        raise UsageError("--local-dir names the place of a shard's journal: give --shard I/N, too")
    models = list(dict.fromkeys(model or ["local"]))
    budget = options.budget.to_budget()  # shared by all models
    of_strategy = None if strategy_budget is None else Budget.parse(strategy_budget)
    of_problem = None if problem_budget is None else Budget.parse(problem_budget)
    # Before anything is sent, since a package or a key may be missing.
    tracked = [_trackers([] if dry_run else log_to) for _ in models]
    comparisons: dict[Path, Comparison] = {}
    source = get(task, fields, split)
    selection = choose_limit(source, limit, seed)
    connected = [options.connect(name, budget) for name in models]
    purpose = "variants" if prompt_variant or prompt_formats else ""
    folders = [_folder(out, source, seed, llm, of_problem, len(models), purpose) for llm in connected]
    if len(set(folders)) < len(folders):
        raise UsageError(f"the models {', '.join(models)} must have different names to share --out {out}; leave it out")
    variants = prompt_variants(list(map(registry.get, spec.split(strategies))), prompt or [], prompt_variant or [])
    if structured:
        kinds = [example.problem.kind for example in source.load(selection.count, seed)]
        variants, free = structure_all(variants, kinds)
        if free:
            info(free)
    if prompt_formats:
        variants = [one for strategy in variants for one in format_variants(strategy)]
    if effort is not None:
        variants = at_efforts(variants, parse_efforts(effort))
    chosen = experiment.named_strategies(variants)
    for note in dict.fromkeys(map(describe_defaults, chosen.values())):
        if note:
            info(note)
    configs = [
        RunConfig(
            limit=selection.count,
            seed=seed,
            folder=folder,
            shares_budget_with=tuple(other for other in folders if other != folder),
            time_limit=time_limit,
            strategy_budget=of_strategy,
            problem_budget=of_problem,
            new_samples=new_samples,
            epochs=epochs,
            race_margin=margin if race else None,
            selection=selection,
            pool=None if pool is None else get_pool(pool, fields),
            pool_size=pool_size,
        )
        for folder in folders
    ]
    is_bounded = options.budget.is_limited or of_strategy is not None or limit is not None
    # A time limit bounds what a free model costs.
    is_bounded = is_bounded or (time_limit is not None and all(llm.client.free for llm in connected))
    if getattr(source, "is_own", False) and not (is_bounded or yes or dry_run):
        confirm_cost(chosen, source, connected, configs)
    if options.batch and race and not dry_run:
        info(RACE_OF_BATCHES)
    for llm, folder, config, watch in zip(connected, folders, configs, tracked, strict=True):
        with RunProgress() as progress, llm:
            listener = Listeners(progress, watch)
            if dry_run:
                progress.close()
                print_cost(estimate_cost(chosen, source, llm, config), output)
                continue
            interrupts.keep(f"the results are kept in {out or folder}{options.kept_batches}")
            if shard is not None:
                run_shard_command(shard, list(chosen.values()), source, llm, config, listener, local_dir, output)
                return
            run_all = experiment.run_comparison if cluster is None else on_cluster(cluster)
            comparisons[folder] = run_all(list(chosen.values()), source, llm, config, listener)
        if comparisons[folder].results and not (output.format in ("json", "csv") and len(models) > 1):
            print_results(comparisons[folder], folder, output.format)
        for place in filter(None, (one.place for one in watch)):
            info(f"logged: {place}")
        if comparisons[folder].stopped is not None:
            break
    if len(models) > 1 and not dry_run:
        print_models(comparisons, output)
    exit_with_status(list(comparisons.values()), of_strategy)


def _trackers(names: list[str] | None) -> list[TrackedRun]:
    """Return the listeners that log the run of one model."""
    if not names:
        return []
    from reasoning.benchmarks.tracking import track

    return [track(name) for name in dict.fromkeys(names)]


def _folder(
    out: Path | None,
    task: TaskSource,
    seed: int,
    llm: LLM,
    problem_budget: Budget | None,
    models: int,
    purpose: str,
) -> Path:
    """Return the results folder of a model: each of several models has its own."""
    from reasoning.benchmarks.results.settings import default_folder, run_settings, safe_name, short_model_name

    if out is None:
        return default_folder(run_settings(task, seed, llm, problem_budget), purpose)
    return out / safe_name(short_model_name(llm.name)) if models > 1 else out
