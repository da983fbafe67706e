"""The commands `reasoning bench run`, `advise` and `tasks`, and the registration of this package's commands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.benchmarks.cli import results
from reasoning.benchmarks.cli.completion import complete_tasks
from reasoning.benchmarks.cli.results import print_comparison
from reasoning.benchmarks.cli.view import view
from reasoning.cli import config as config_file
from reasoning.cli import interrupts
from reasoning.cli.commands import Commands
from reasoning.cli.completion import complete_prompts, complete_results, complete_spec_list
from reasoning.cli.interrupts import command_line
from reasoning.cli.options import BUDGET, PROMPTS, TASK, Model, ModelOptions, Models, NewSamples, PromptTexts, TimeLimit
from reasoning.cli.output import (
    CALLS_FAILED,
    NOT_STARTED,
    Format,
    OutputOptions,
    can_ask,
    confirm,
    console,
    echo,
    info,
    print_json,
)

if TYPE_CHECKING:
    from reasoning.benchmarks.analysis.comparison import Comparison
    from reasoning.benchmarks.runs.config import RunConfig
    from reasoning.benchmarks.runs.cost_estimate import CostEstimate
    from reasoning.benchmarks.tasks import Task as TaskSource
    from reasoning.benchmarks.tasks.problem_limit import ProblemLimit
    from reasoning.engine.budget import Budget
    from reasoning.engine.llm import LLM
    from reasoning.strategy import Strategy

bench = Commands(help="Compare techniques on the same problems.", no_args_is_help=True)

Task = Annotated[
    str,
    typer.Option(
        help="The task: gsm_symbolic, gym:NAME, mine.csv, …; `reasoning tasks` lists them.",
        metavar="TASK",
        callback=config_file.resolve_task,
        autocompletion=complete_tasks,
    ),
]
Fields = Annotated[
    str | None,
    typer.Option(
        help="The columns of a file or data set, as in 'question=Body, answer=Answer'.",
        metavar="NAME=COLUMN,…",
        rich_help_panel=TASK,
    ),
]
Split = Annotated[
    str,
    typer.Option(
        help="The split of a data set of the Hugging Face hub; `reasoning tasks NAME` lists them.",
        metavar="NAME",
        rich_help_panel=TASK,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(help="Number of problems; 0 is all.", min=0, show_default="20; all of your own file", metavar="N"),
]
Seed = Annotated[int, typer.Option(help="Seed of generated problems.", metavar="N", rich_help_panel=TASK)]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="The results folder.",
        metavar="DIR",
        show_default="one for these settings, under results/",
        autocompletion=complete_results,
    ),
]
Margin = Annotated[
    float,
    typer.Option(
        help="The difference that does not matter, in percentage points of accuracy.",
        min=0,
        metavar="POINTS",
        rich_help_panel=TASK,
    ),
]


_NEW_SAMPLES = "--new-samples needs --out DIR, so that the same command continues with the same samples"


def register(root: typer.Typer) -> None:
    """Add this package's commands."""
    results.register(bench)
    root.add_typer(bench, name="bench")
    root.command("tasks")(tasks)
    root.command("advise")(advise)
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
    out: Out = None,
    new_samples: NewSamples = False,
    prompt: PromptTexts = None,
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the cost of the run, without any call.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Start a dear run of your own file without asking.")] = False,
    *,
    output: OutputOptions,
    options: ModelOptions,
) -> None:
    """Run strategies on the same problems. The same command continues a stopped run.

    Budgets are those of the run: what earlier commands with the same results folder spent counts.

    Without --limit, all problems of your own file run. If that may cost more than $1 or 10 minutes, the forecast is
    printed, and a terminal asks first; --yes, --limit or a budget answers the question.

    Exit codes: 0 all done, 1 not started, 2 wrong usage, 3 stopped by the budget, 4 some calls failed for good.

    Results are kept in every case.
    """
    from reasoning import registry, spec
    from reasoning.benchmarks import experiment
    from reasoning.benchmarks.runs.config import RunConfig
    from reasoning.benchmarks.runs.cost_estimate import estimate_cost
    from reasoning.benchmarks.runs.progress import RunProgress
    from reasoning.benchmarks.tasks import get
    from reasoning.call_counts import describe_defaults
    from reasoning.engine.budget import Budget
    from reasoning.errors import UsageError
    from reasoning.prompt_overrides import prompt_variants
    from reasoning.strategies.direct.prompt_format import format_variants

    if new_samples and out is None:
        raise UsageError(_NEW_SAMPLES)
    models = list(dict.fromkeys(model or ["local"]))
    budget = options.budget.to_budget()  # shared by all models
    of_strategy = None if strategy_budget is None else Budget.parse(strategy_budget)
    of_problem = None if problem_budget is None else Budget.parse(problem_budget)
    comparisons: dict[Path, Comparison] = {}
    source = get(task, fields, split)
    selection = _choose_limit(source, limit, seed)
    connected = [options.connect(name, budget) for name in models]
    purpose = "variants" if prompt_variant or prompt_formats else ""
    folders = [_folder(out, source, seed, llm, of_problem, len(models), purpose) for llm in connected]
    if len(set(folders)) < len(folders):
        raise UsageError(f"the models {', '.join(models)} must have different names to share --out {out}; leave it out")
    variants = prompt_variants(list(map(registry.get, spec.split(strategies))), prompt or [], prompt_variant or [])
    if prompt_formats:
        variants = [one for strategy in variants for one in format_variants(strategy)]
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
        )
        for folder in folders
    ]
    is_bounded = options.budget.is_limited or of_strategy is not None or limit is not None
    # A time limit bounds what a free model costs.
    is_bounded = is_bounded or (time_limit is not None and all(llm.client.free for llm in connected))
    if getattr(source, "is_own", False) and not (is_bounded or yes or dry_run):
        _confirm_cost(chosen, source, connected, configs)
    for llm, folder, config in zip(connected, folders, configs, strict=True):
        with RunProgress() as progress, llm:
            if dry_run:
                progress.close()
                _print_cost(estimate_cost(chosen, source, llm, config), output)
                continue
            interrupts.keep(f"the results are kept in {out or folder}")
            comparisons[folder] = experiment.run_comparison(list(chosen.values()), source, llm, config, progress)
        if comparisons[folder].results and not (output.format in ("json", "csv") and len(models) > 1):
            _print_results(comparisons[folder], folder, output.format)
        if comparisons[folder].stopped is not None:
            break
    if len(models) > 1 and not dry_run:
        _print_models(comparisons, output)
    _exit(list(comparisons.values()))


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
    time_limit: TimeLimit = None,
    out: Out = None,
    new_samples: NewSamples = False,
    prompt: PromptTexts = None,
    *,
    output: OutputOptions,
    options: ModelOptions,
) -> None:
    """Recommend a technique for a task after a race in a budget.

    Exit codes: as for bench run; 3 if the budget stopped the race, 4 if calls failed for good.
    """
    from reasoning import registry, spec
    from reasoning.benchmarks.advise import MIN_PROBLEMS, USUAL_LIMIT
    from reasoning.benchmarks.advise import advise as recommend
    from reasoning.benchmarks.results.settings import default_folder, run_settings
    from reasoning.benchmarks.runs.config import RunConfig
    from reasoning.benchmarks.runs.progress import RunProgress
    from reasoning.benchmarks.tasks import get
    from reasoning.errors import UsageError
    from reasoning.prompt_overrides import override_prompts

    if new_samples and out is None:
        raise UsageError(_NEW_SAMPLES)
    if not options.budget.is_limited and time_limit is None:
        raise UsageError("advise needs a limit: --budget-usd, --budget-tokens, --budget-calls or --time-limit")
    if limit and limit < MIN_PROBLEMS:
        raise UsageError(f"--limit must be at least {MIN_PROBLEMS} for advice, or 0 for all problems, got {limit}")
    source = get(task, fields, split)
    selection = _choose_limit(source, limit, seed, USUAL_LIMIT)
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
        )
        candidates = None if strategies is None else list(map(registry.get, spec.split(strategies)))
        if prompt:
            if candidates is None:
                raise UsageError("--prompt needs the candidates that have the prompt; give --strategies")
            candidates = override_prompts(candidates, prompt)
        recommendation = recommend(source, llm, config, progress, candidates)
    if output.format == "json":
        print_json(recommendation.to_json())
    else:
        print_comparison(recommendation.comparison, output.format)
        info("")
        if output.format != "csv":
            echo(f"\n{recommendation}")
        info(_describe_spending(recommendation.comparison))
        info(f"results: {folder}")
    _exit([recommendation.comparison])


def tasks(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Describe this task, or a form of files such as csv; gym lists its sets.",
            metavar="NAME",
            autocompletion=complete_tasks,
        ),
    ] = None,
    *,
    output: OutputOptions,
) -> None:
    """List the tasks that `bench run --task` accepts."""
    from reasoning.benchmarks.cli import tasks as listing
    from reasoning.tables import Document

    if name is None:
        output.print(Document([listing.task_table()]))
    elif output.format != "table":
        raise typer.BadParameter(f"--output {output.format} goes with the list of tasks; leave out {name}")
    else:
        console().print(listing.describe_task(name))


def _choose_limit(source: TaskSource, limit: int | None, seed: int, usual: int | None = None) -> ProblemLimit:
    """Return the number of problems, and say which ones the default leaves out."""
    from reasoning.benchmarks.tasks.problem_limit import USUAL_LIMIT, ProblemLimit

    selection = ProblemLimit.choose(source, limit, seed, "--limit ", usual or USUAL_LIMIT)
    if hint := selection.hint():
        info(hint)
    return selection


def _confirm_cost(
    strategies: Mapping[str, Strategy], source: TaskSource, models: Sequence[LLM], configs: Sequence[RunConfig]
) -> None:
    """Print the forecast of a dear run, and on a terminal ask whether to start it."""
    from reasoning.benchmarks.results.settings import short_model_name
    from reasoning.benchmarks.runs.forecast import forecast
    from reasoning.tables import pluralize

    forecasts = [forecast(strategies, source, llm, config) for llm, config in zip(models, configs, strict=True)]
    if not any(one.is_dear for one in forecasts):
        return
    for llm, one in zip(models, forecasts, strict=True):
        info(f"{pluralize(configs[0].limit, 'problem')} on {short_model_name(llm.name)}: {one}")
    if not can_ask():
        return
    bound = "--time-limit 10m" if all(llm.client.free for llm in models) else "--budget-usd 1"
    if any(one.usd is None and not one.free for one in forecasts):
        # A budget in dollars needs a price.
        bound = "--budget-calls 1000"
    info(f"--limit 20 tries 20 of them, {bound} sets a limit, --dry-run has the details")
    if not confirm("Run all of it?"):
        info("nothing was run")
        raise typer.Exit(NOT_STARTED)


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


def _print_results(comparison: Comparison, folder: Path, form: Format) -> None:
    """Print the results of a run, their folder, and their cost."""
    print_comparison(comparison, form)
    info(f"\n{_describe_spending(comparison)}\nresults: {folder}")
    wrong = next((result for result in comparison.results if result.correct is False), comparison.results[0])
    selection = f"--strategy {shlex.quote(wrong.strategy)} --id {shlex.quote(wrong.problem)}"
    place = shlex.quote(str(folder))
    info(f"open a problem: reasoning bench show {place} {selection}\nin the browser: reasoning view {place}")


def _print_models(comparisons: Mapping[Path, Comparison], output: OutputOptions) -> None:
    """Print models × strategies, after the tables of each model."""
    from reasoning.benchmarks.analysis.model_matrix import model_matrix
    from reasoning.benchmarks.analysis.summary_table import numbers_table
    from reasoning.tables import Table

    if output.format == "json":
        print_json({"models": [comparison.to_json() for comparison in comparisons.values()]})
    elif output.format == "csv":
        numbers = [(one.model, numbers_table(one.rows)) for one in comparisons.values()]
        rows = [(model, *row) for model, table in numbers for row in table.rows]
        echo(Table(("model", *numbers[0][1].header), rows).to_csv(), end="")
    elif all(comparison.results for comparison in comparisons.values()):
        info("")
        output.print(model_matrix(list(comparisons)))


def _exit(comparisons: Sequence[Comparison]) -> None:
    """Raise the error that stopped the run, exit if calls failed, or return if all is done."""
    from reasoning.errors import BudgetExhausted

    results = [result for comparison in comparisons for result in comparison.results]
    if comparisons and (stopped := comparisons[-1].stopped) is not None:
        if not results:
            info(_describe_spending(comparisons[-1]))
        else:
            larger = "with a larger budget, " if isinstance(stopped, BudgetExhausted) and not stopped.is_time else ""
            info(f"the results are kept; {larger}continue with: {command_line()}")
        raise stopped
    if failed := [result for comparison in comparisons for result in comparison.failed]:
        info(
            f"{len(failed)} of {len(results)} results failed, the last with: {failed[-1].reason}\n"
            f"the same command tries them again: {command_line()}"
        )
        raise typer.Exit(CALLS_FAILED)


def _print_cost(estimate: CostEstimate, output: OutputOptions) -> None:
    from reasoning.tables import Document

    notes = estimate.notes.strip("\n")
    output.print(Document([estimate.title, estimate.table(), notes]), estimate.to_json, soft_wrap=True)


def _describe_spending(comparison: Comparison) -> str:
    """Return the cost of this command, of the results without the journal, and of earlier commands."""
    from reasoning.display import describe_spending
    from reasoning.messages import Usage

    used = sum((result.usage for result in comparison.results), Usage())
    before = comparison.before
    return describe_spending(comparison.spent, used, before.total(), before.interrupted, comparison.left)
