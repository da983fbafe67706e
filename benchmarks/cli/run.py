"""`reasoning bench run`, `advise` and `tasks`, and where the other commands of this package are added."""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasoning.benchmarks.cli import results as stored
from reasoning.benchmarks.cli.results import printed
from reasoning.cli.options import Pace, SandboxOption, paced
from reasoning.cli.output import AsJson, command_line, console, info, print_json
from reasoning.messages import Usage

if TYPE_CHECKING:
    from reasoning.benchmarks.analysis.comparison import Comparison
    from reasoning.benchmarks.runs.cost_estimate import CostEstimate

bench = typer.Typer(help="Compare techniques on the same problems.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add this package's commands."""
    stored.register(bench)
    root.add_typer(bench, name="bench")
    root.command("tasks")(tasks)
    root.command("advise")(advise)


@bench.command()
def run(
    task: Annotated[str, typer.Option(help="gsm_symbolic, gym:NAME, jsonl:FILE, … `reasoning tasks` lists them.")],
    strategies: Annotated[str, typer.Option(help="Specs with commas between: 'vanilla, cot(shots=4)'.")],
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="local (the default), local:NAME, a litellm name, or replay:FILE; given again: one after the other."
        ),
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="An OpenAI-compatible server.")] = None,
    fields: Annotated[
        str | None, typer.Option(help="Which columns of a file or data set: 'question=Body, answer=Answer'.")
    ] = None,
    split: Annotated[str, typer.Option(help="Of a data set of the hub; `reasoning tasks NAME` says which.")] = "",
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Replace a prompt: 'cot.trigger=TEXT'; see `reasoning prompts`.", metavar="NAME=TEXT"
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(help="Compare with this prompt too, beside the one that is.", metavar="NAME=TEXT"),
    ] = None,
    forms: Annotated[
        bool, typer.Option("--forms", help="Compare each in every form: XML, Markdown, …, one turn or chat turns.")
    ] = False,
    limit: Annotated[int, typer.Option(help="How many problems.", min=1)] = 20,
    minutes: Annotated[float | None, typer.Option(help="Begin no further problem after this time.", min=0.01)] = None,
    seed: Annotated[int, typer.Option(help="Of the problems, where they are made from one.")] = 0,
    out: Annotated[Path | None, typer.Option(help="The results folder; by default one for these settings.")] = None,
    concurrency: Annotated[int, typer.Option(help="Requests in flight, at most.", min=1)] = 32,
    pace: Pace = None,
    sandbox: SandboxOption = None,
    budget_usd: Annotated[float | None, typer.Option(help="Stop before this many US dollars.", min=0)] = None,
    budget_tokens: Annotated[int | None, typer.Option(help="Stop before this many tokens, in and out.", min=0)] = None,
    budget_calls: Annotated[int | None, typer.Option(help="Stop before this many completions.", min=0)] = None,
    budget_seconds: Annotated[float | None, typer.Option(help="Send nothing after this time.", min=0)] = None,
    strategy_budget: Annotated[
        str | None, typer.Option(help="Of each strategy, such as 'usd=1, tokens=50000'.")
    ] = None,
    problem_budget: Annotated[str | None, typer.Option(help="Of each strategy on one problem.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Of one reply.", min=1)] = None,
    temperature: Annotated[float | None, typer.Option(help="Where a strategy does not give its own.", min=0)] = None,
    journal: Annotated[
        str | None, typer.Option(help="The file that records draws; none for the results folder's own alone.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="New draws rather than recorded ones; needs --out.")] = False,
    epochs: Annotated[int, typer.Option(help="Independent repetitions of every problem.", min=1)] = 1,
    race: Annotated[
        float | None,
        typer.Option(
            help="Stop a strategy that cannot be the best by more than so many points.", min=0, metavar="POINTS"
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what it would take, and call nobody.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run strategies side by side; the same command goes on where it was stopped.

    Ends with 0 when all is done, 2 for wrong usage, 3 when the budget stopped it, 4 when calls failed for good. What is
    done is kept in every case.
    """
    import reasoning
    from reasoning.benchmarks import experiment
    from reasoning.benchmarks.cli.progress import RunProgress
    from reasoning.benchmarks.results.settings import default_folder, run_settings, safe_name, short_model_name
    from reasoning.benchmarks.runs.config import RunConfig
    from reasoning.benchmarks.runs.cost_estimate import estimate_cost
    from reasoning.benchmarks.tasks import get
    from reasoning.errors import UsageError
    from reasoning.prompt_overrides import prompt_variants
    from reasoning.strategies.direct.prompt_format import format_variants

    if fresh and out is None:
        raise UsageError("--fresh needs --out DIR: the same command then goes on with the same new draws")
    models = list(dict.fromkeys(model or ["local"]))
    given: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature, "sandbox": sandbox, **paced(pace)}
    budget = reasoning.Budget(budget_usd, budget_tokens, budget_calls, budget_seconds)  # of all models together
    of_strategy = None if strategy_budget is None else reasoning.Budget.parse(strategy_budget)
    of_problem = None if problem_budget is None else reasoning.Budget.parse(problem_budget)
    found: dict[Path, Comparison] = {}
    for name in models:
        with RunProgress() as display:
            specs = map(reasoning.strategies.get, reasoning.strategies.split(strategies))
            variants = prompt_variants(list(specs), sets or [], vary or [])
            if forms:
                variants = [one for strategy in variants for one in format_variants(strategy)]
            chosen = experiment.named_strategies(variants)
            source = get(task, fields, split)
            llm = reasoning.connect(
                name,
                base_url=base_url,
                journal=False if journal == "none" else journal,
                budget=budget,
                concurrency=concurrency,
                **{setting: value for setting, value in given.items() if value is not None},
            )
            folder = out or default_folder(run_settings(source, seed, llm, of_problem))
            if out is not None and len(models) > 1:
                folder = out / safe_name(short_model_name(llm.name))
            plan = RunConfig(limit, seed, folder, None, minutes, of_strategy, of_problem, fresh, epochs, race)
            with llm:
                if dry_run:
                    display.close()
                    _forecast(estimate_cost(chosen, source, llm, plan), as_json)
                    continue
                try:
                    found[folder] = experiment.run_comparison(list(chosen.values()), source, llm, plan, display)
                except KeyboardInterrupt:
                    display.close()
                    info(f"\nstopped; what was done is kept in {out or folder}\ngo on with: {command_line()}")
                    _end_soon(130)
                    raise typer.Exit(130) from None
        if found[folder].results and not (as_json and len(models) > 1):
            _results(found[folder], folder, as_json)
        if found[folder].stopped is not None:
            break
    if len(models) > 1 and not dry_run:
        _models(found, as_json)
    _finish(list(found.values()))


def advise(
    task: Annotated[str, typer.Option(help="As in bench run.")],
    model: Annotated[str, typer.Option(help="As in bench run.")] = "local",
    base_url: Annotated[str | None, typer.Option(help="An OpenAI-compatible server.")] = None,
    fields: Annotated[str | None, typer.Option(help="As in bench run.")] = None,
    split: Annotated[str, typer.Option(help="As in bench run.")] = "",
    strategies: Annotated[str | None, typer.Option(help="The candidates; by default one of each mechanism.")] = None,
    limit: Annotated[int, typer.Option(help="Problems, at most.", min=10)] = 200,
    seed: Annotated[int, typer.Option(help="Of the problems, where they are made from one.")] = 0,
    margin: Annotated[float, typer.Option(help="Points of accuracy that do not matter.", min=0)] = 3,
    minutes: Annotated[float | None, typer.Option(help="Begin no further problem after this time.", min=0.01)] = None,
    budget_usd: Annotated[float | None, typer.Option(help="Spend no more than this.", min=0)] = None,
    budget_tokens: Annotated[int | None, typer.Option(help="Use no more tokens than this.", min=0)] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Of one reply.", min=1)] = None,
    pace: Pace = None,
    sandbox: SandboxOption = None,
    out: Annotated[Path | None, typer.Option(help="The results folder; by default one for these settings.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say which technique to use on a task and a model, after a race within a budget.

    Ends as bench run does: with 3 when the budget stopped the race, 4 when calls failed for good.
    """
    import reasoning
    from reasoning.benchmarks.advise import advise as found_out
    from reasoning.benchmarks.cli.progress import RunProgress
    from reasoning.benchmarks.results.settings import default_folder, run_settings
    from reasoning.benchmarks.runs.config import RunConfig
    from reasoning.benchmarks.tasks import get
    from reasoning.errors import UsageError

    if budget_usd is None and budget_tokens is None and minutes is None:
        raise UsageError("say what it may take: --budget-usd, --budget-tokens or --minutes")
    with RunProgress() as display:
        source = get(task, fields, split)
        given = {**paced(pace), **({} if sandbox is None else {"sandbox": sandbox})}
        if max_tokens is not None:
            given["max_tokens"] = max_tokens
        budget = reasoning.Budget(budget_usd, budget_tokens)
        with reasoning.connect(model, base_url=base_url, budget=budget, **given) as llm:
            folder = out or default_folder(run_settings(source, seed, llm))
            plan = RunConfig(limit, seed, folder, time_limit=minutes and 60 * minutes, race_margin=margin)
            candidates = None if strategies is None else reasoning.strategies.split(strategies)
            found = found_out(source, llm, plan, display, candidates)
    if as_json:
        print_json(found.to_json())
    else:
        printed(found.comparison, as_json=False)
        info("")
        typer.echo(f"\n{found}")
        info(f"results: {folder}")
    _finish([found.comparison])


def tasks(name: Annotated[str | None, typer.Argument(help="One task, or 'gym' for its sets.")] = None) -> None:
    """List the sources of problems that `bench run --task` takes."""
    from reasoning.benchmarks.cli import tasks as listing

    console().print(listing.listing() if name is None else listing.one(name))


def _end_soon(code: int) -> None:
    """End within a second, also where a model that computes lets nobody interrupt it. All results are on the disk."""
    timer = threading.Timer(1.0, os._exit, [code])
    timer.daemon = True
    timer.start()


def _results(found: Comparison, folder: Path, as_json: bool) -> None:
    """What a run has found, where it is kept, and what it took."""
    printed(found, as_json)
    info(f"\n{_spent(found)}\nresults: {folder}")
    one = next((result for result in found.results if result.correct is False), found.results[0])
    options = f"--strategy {shlex.quote(one.strategy)} --id {shlex.quote(one.problem)}"
    info(f"open a problem: reasoning bench show {shlex.quote(str(folder))} {options}")


def _models(found: Mapping[Path, Comparison], as_json: bool) -> None:
    """Models × strategies, after the tables of each."""
    from reasoning.benchmarks.analysis.model_matrix import model_matrix

    if as_json:
        print_json({"models": [one.to_json() for one in found.values()]})
    elif all(one.results for one in found.values()):
        info("")
        console().print(model_matrix(list(found)))


def _finish(found: Sequence[Comparison]) -> None:
    """End with the code that says what is not done."""
    results = [result for one in found for result in one.results]
    if found and (stopped := found[-1].stopped) is not None:
        if results:
            info(f"what was done is kept; go on with: {command_line()}")
        raise stopped
    if failed := [result for one in found for result in one.failed]:
        many = f"{len(failed)} of {len(results)} results failed"
        info(f"{many}, the last with: {failed[-1].reason}\nthe same command tries them again: {command_line()}")
        raise typer.Exit(4)


def _forecast(found: CostEstimate, as_json: bool) -> None:
    if as_json:
        print_json(found.to_json())
        return
    out = console()
    out.print(found.title, style="bold")
    out.print()
    out.print(found.table())
    out.print(found.notes, soft_wrap=True)


def _spent(found: Comparison) -> str:
    """What went out now, beside what the results used: the rest came from the journal."""
    from reasoning.display import cost

    used = sum((result.usage for result in found.results), Usage())
    if not found.spent.calls:
        return f"spent now: nothing; without the journal: {cost(used)}"
    return f"spent now: {cost(found.spent)}" + (
        f"; without the journal: {cost(used)}" if found.spent.calls < used.calls else ""
    )
