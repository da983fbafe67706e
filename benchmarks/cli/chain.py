"""`reasoning chain eval` and `compare`: a chain by step, and two versions of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.benchmarks.cli.chain_trials import Limit, Model, Only, ended, progress, spending
from reasoning.cli.chain import chain
from reasoning.cli.chain_options import Code, Concurrency, Folder, Longest, Record, Spend, Url, connected
from reasoning.cli.options import Pace, SandboxOption
from reasoning.cli.output import AsJson, console, print_json

if TYPE_CHECKING:
    from reasoning.chain.code_loader import Leave


@chain.command(name="eval")
def evaluate(
    folder: Folder,
    model: Model = "local",
    base_url: Url = None,
    only: Only = None,
    limit: Limit = None,
    concurrency: Concurrency = 32,
    pace: Pace = None,
    sandbox: SandboxOption = None,
    budget: Spend = None,
    max_tokens: Longest = None,
    journal: Record = None,
    as_json: AsJson = False,
    allow_code: Code = False,
) -> None:
    """Score a chain by step and end to end, and say which step to work on.

    Each step is scored in the chain, and alone from the right results of the steps before it. Then one step's result
    after the other is replaced by the right one, to see how much better the end becomes: what the step loses. What the
    same request asks is asked once, and what is recorded is not paid for again.
    """
    from reasoning.benchmarks.chains.api import run_evaluation
    from reasoning.benchmarks.chains.suite import load_suite
    from reasoning.chain.scaffold import source

    found = load_suite(source(folder), "run" if allow_code else "known", only=only, limit=limit)
    with connected(model, base_url, journal, budget, concurrency, max_tokens, pace, sandbox) as llm, spending(llm):
        done = run_evaluation(found, llm, progress)
    if as_json:
        print_json(done.table.to_json())
    else:
        console().print(done.table.table())
    ended(done.trials)


@chain.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A folder, a shipped chain's name, or FOLDER@VERSION.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", help="As elsewhere; where both are kept, one that both have.", show_default="local"
        ),
    ] = None,
    base_url: Url = None,
    only: Only = None,
    limit: Limit = None,
    concurrency: Concurrency = 32,
    pace: Pace = None,
    sandbox: SandboxOption = None,
    budget: Spend = None,
    max_tokens: Longest = None,
    journal: Record = None,
    fail_if_worse: Annotated[
        str | None,
        typer.Option(help="End with 1 where the end lost more than this, such as 2%.", metavar="POINTS"),
    ] = None,
    as_json: AsJson = False,
    allow_code: Code = False,
) -> None:
    """Compare two versions of a chain on the same cases.

    FOLDER@3 is the third version of the folder that was run; what is kept of it is taken as it is. A bare folder is
    what it holds now, and what was not run of it yet is run. Runs with other settings, such as --max-tokens, are
    compared only where there are none with the same, and the report says so.
    """
    from reasoning.benchmarks.chains.api import VERSION, run_comparison
    from reasoning.benchmarks.cli.results import tolerance

    kept = VERSION.fullmatch(first) and VERSION.fullmatch(second)
    asked = (only, limit, None if fail_if_worse is None else tolerance(fail_if_worse), progress)
    leave: Leave = "run" if allow_code else "known"
    if kept and model is None:
        made, done = run_comparison(first, second, None, leave, *asked)
    else:
        with (
            connected(model or "local", base_url, journal, budget, concurrency, max_tokens, pace, sandbox) as llm,
            spending(llm),
        ):
            made, done = run_comparison(first, second, llm, leave, *asked)
    if as_json:
        print_json(made.to_json())
    else:
        console().print(made.table())
    for one in done:
        ended(one)
    if not made.passed:
        raise typer.Exit(1)
