"""The command `reasoning tune prompts`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasoning.benchmarks.cli.completion import complete_tasks
from reasoning.benchmarks.cli.task_options import Fields, Seed, Split
from reasoning.cli import config as config_file
from reasoning.cli import interrupts
from reasoning.cli.completion import complete_models, complete_results, complete_specs
from reasoning.cli.continuing import how_to_continue
from reasoning.cli.options import PROMPTS, TASK, AllowCode, Model, ModelOptions, PromptTexts
from reasoning.cli.output import OutputOptions, console, info
from reasoning.cli.progress import PLAIN_INTERVAL, progress_bar

if TYPE_CHECKING:
    from reasoning.benchmarks.chains.suite import ChainSuite
    from reasoning.engine.budget import Budget
    from reasoning.engine.llm import LLM
    from reasoning.strategy import Strategy
    from reasoning.tuning.prompts.outcome import Outcome
    from reasoning.tuning.prompts.search import Listener, Progress

_LIMITS = ("tokens", "usd", "calls")


def _resolve_strategy(context: typer.Context, name: str) -> str | None:
    """Return the name of a chain as it is, and the spec of a tuned strategy or of a name in the config file."""
    from reasoning.prompt_overrides import OUTCOME, read_tuned

    if (Path(name).expanduser() / OUTCOME).is_file():
        return repr(read_tuned(name))
    return name if _is_chain(name) else config_file.resolve_strategies(context, name)


def tune_prompts(
    strategy: Annotated[
        str,
        typer.Argument(
            metavar="STRATEGY_OR_CHAIN",
            help="The spec of a strategy, the folder of a chain, or the name of a bundled chain.",
            callback=_resolve_strategy,
            autocompletion=complete_specs,
        ),
    ],
    task: Annotated[
        str | None,
        typer.Option(
            help="The task: gsm_symbolic, gym:NAME, mine.csv, …; `reasoning tasks` lists them.",
            metavar="TASK",
            show_default="the test cases of a chain",
            callback=config_file.resolve_task,
            autocompletion=complete_tasks,
        ),
    ] = None,
    model: Model = "local",
    method: Annotated[
        str, typer.Option(help="bootstrap (demonstrations), reflection (texts) or bayesian (both).", metavar="METHOD")
    ] = "bootstrap",
    train: Annotated[
        int, typer.Option(help="Largest number of examples that the method sees.", min=1, metavar="N")
    ] = 30,
    selection: Annotated[
        int, typer.Option(help="Largest number of examples on which candidates race.", min=2, metavar="N")
    ] = 40,
    test: Annotated[int, typer.Option(help="Largest number of examples of the final test.", min=6, metavar="N")] = 80,
    pool: Annotated[
        str | None,
        typer.Option(
            help="The task of the train and selection examples.",
            metavar="TASK",
            show_default="the task's training split, else its other problems",
            rich_help_panel=TASK,
            autocompletion=complete_tasks,
        ),
    ] = None,
    fields: Fields = None,
    split: Split = "",
    seed: Seed = 0,
    proposer: Annotated[
        str | None,
        typer.Option(
            help="The model that proposes texts.",
            metavar="NAME",
            show_default="the tuned model",
            autocompletion=complete_models,
        ),
    ] = None,
    demonstrations: Annotated[
        int,
        typer.Option(help="Largest number of demonstrations of a prompt.", min=1, metavar="N", rich_help_panel=PROMPTS),
    ] = 4,
    part: Annotated[
        list[str] | None,
        typer.Option(
            help="Change only this prompt or part, such as cot.trigger or cot.two_stages.instructions. Repeatable.",
            metavar="NAME",
            rich_help_panel=PROMPTS,
        ),
    ] = None,
    prompt: PromptTexts = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The outcome folder.",
            metavar="DIR",
            show_default="one for these settings, under results/",
            autocompletion=complete_results,
        ),
    ] = None,
    allow_code: AllowCode = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the pools, the parts and the cost of a solve, without any call.")
    ] = False,
    *,
    output: OutputOptions,
    options: ModelOptions,
) -> None:
    """Search for better prompts and demonstrations of a strategy or chain. The same command continues a search.

    The budget covers the search and the final test. A larger one extends the search.

    The final test compares the best candidate with your prompts, and with the plainest use of as many tokens.

    Exit codes: 0 done, 2 wrong usage, 3 stopped by the budget before the end of the test, 4 calls failed for good.
    """
    from reasoning.benchmarks.tasks import get, get_pool
    from reasoning.engine.budget import Budget
    from reasoning.errors import UsageError
    from reasoning.prompt_overrides import override_prompts
    from reasoning.tuning.prompts.api import make_pools, run_search
    from reasoning.tuning.prompts.pools import PoolSizes
    from reasoning.tuning.prompts.search_folder import SearchConfig, search_folder, search_settings

    budget = options.budget.to_budget()
    if all(getattr(budget, name) is None for name in _LIMITS) and not dry_run:
        raise UsageError("a search needs a limit: --budget-tokens N, --budget-usd USD or --budget-calls N")
    tuned, suite = _target(strategy, allow_code, task)
    [tuned] = override_prompts([tuned], prompt or [])
    source: Any = suite if task is None else get(task, fields, split)
    if source is None:
        raise UsageError("a strategy is tuned on the problems of a task; give --task TASK")
    given = None if pool is None else get_pool(pool, fields)
    pools = make_pools(source, PoolSizes(train, selection, test), seed, given)
    settings = SearchConfig(method, seed, demonstrations, proposer, tuple(part or ()))
    with options.connect(model, Budget()) as llm:
        if dry_run:
            from reasoning.tuning.prompts.forecast import forecast

            output.print(forecast(tuned, pools, llm, settings), soft_wrap=True)
            return
        folder = out or search_folder(search_settings(tuned, pools, llm, settings))
        interrupts.keep(f"the recorded draws are kept in {folder}")
        with _progress(budget, llm) as listener:
            outcome = run_search(tuned, pools, llm, budget, replace(settings, folder=folder), listener)
    _print(outcome, folder, output)


def _target(name: str, allow_code: bool, task: str | None) -> tuple[Strategy, ChainSuite | None]:
    """Return the strategy or chain, and the test cases of a chain that is tuned without a task."""
    from reasoning import registry
    from reasoning.benchmarks.chains.suite import load_suite
    from reasoning.chain.folder import load
    from reasoning.chain.scaffold import resolve_folder

    if not _is_chain(name):
        return registry.get(name), None
    folder, policy = resolve_folder(name), "all" if allow_code else "trusted"
    if task is not None:
        return load(folder, policy), None  # type: ignore[arg-type]
    suite = load_suite(folder, policy)  # type: ignore[arg-type]
    return suite.chain, suite


def _is_chain(name: str) -> bool:
    """Return whether a name is that of a chain: a folder, a file of a chain, or a bundled chain."""
    from reasoning import registry
    from reasoning.chain.folder import chain_file

    path = Path(name).expanduser()
    return chain_file(path).is_file() or path.is_dir() or name in registry.bundled_chains()


@contextmanager
def _progress(budget: Budget, llm: LLM) -> Iterator[Listener]:
    """Yield a listener that shows a bar of the budget."""
    name = next(name for name in _LIMITS if getattr(budget, name) is not None)
    # Dollars are shown in hundredths of a cent: the bar counts whole numbers.
    scale = 10_000 if name == "usd" else 1
    total = getattr(budget, name) * scale

    is_terminal = console(stderr=True).is_terminal
    last = 0.0

    with progress_bar("starting", total) as bar, bar.watching(llm):

        def show(progress: Progress) -> None:
            nonlocal last
            from reasoning.tuning.prompts.search import amount

            # Each new text is a line in a log.
            if not is_terminal and time.monotonic() - last < PLAIN_INTERVAL:
                return
            last = time.monotonic()
            spent = amount(progress.spent, name) * scale
            left = max(0.0, total - spent)
            unit = f"${left / scale:.4f}" if name == "usd" else f"{left:,.0f} {name}"
            best = "" if progress.best is None else f"best {100 * progress.best:.0f} % · "
            bar(min(spent, total), total, f"{best}{unit} left · {progress.stage}: {progress.text}")

        yield show


def _print(outcome: Outcome, folder: Path, output: OutputOptions) -> None:
    """Print the outcome, the difference and how to go on; raise the error that stopped the run."""
    from reasoning.display import describe_spending
    from reasoning.messages import Usage
    from reasoning.tuning.prompts.outcome_folder import how_to_use

    output.print(outcome.table, outcome.to_json)
    if output.format == "table" and outcome.changes:
        out = console()
        out.print()
        for line in outcome.diff().splitlines():
            out.print(line, style={"+": "green", "-": "red", "@": "cyan"}.get(line[:1], ""), soft_wrap=True)
    before = outcome.total - outcome.spent
    info(f"\n{describe_spending(outcome.spent, outcome.used, before, Usage(), outcome.left)}\noutcome: {folder}")
    if use := how_to_use(outcome, folder):
        info(f"use it: {use}")
    if outcome.stopped is not None:
        info(f"the recorded draws are kept; {how_to_continue(outcome.stopped)}")
        raise outcome.stopped
    if outcome.is_exhausted:
        info("the budget ended the search: the same command with a larger one extends it")
