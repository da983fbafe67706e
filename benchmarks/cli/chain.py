"""`reasoning chain test`, `eval` and `compare`: a chain on the cases in its folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasoning.benchmarks.cli.chain_generate import generate, report_cost
from reasoning.cli.chain import chain, structure_chain
from reasoning.cli.continuing import how_to_continue
from reasoning.cli.options import AllowCode, ChainFolder, Model, ModelOptions, NewSamples, Structured
from reasoning.cli.output import OutputOptions, console, info, print_json
from reasoning.cli.progress import progress_bar

if TYPE_CHECKING:
    from reasoning.benchmarks.chains.runner import SuiteResult
    from reasoning.chain.code_loader import ImportPolicy
    from reasoning.engine.llm import LLM

Limit = Annotated[
    int | None,
    typer.Option(
        help="Largest number of cases; the first ones are taken. 0 is all.", min=0, show_default="all", metavar="N"
    ),
]
Filter = Annotated[
    str | None, typer.Option("--filter", help="Only cases whose id matches this pattern: 'angry*'.", metavar="PATTERN")
]


def register(root: typer.Typer) -> None:
    """Add the commands of this package to `reasoning chain`."""
    for name, command in (("test", run_cases), ("eval", evaluate), ("compare", compare), ("generate", generate)):
        chain.command(name)(command)


def run_cases(
    folder: ChainFolder,
    model: Model = "local",
    step: Annotated[
        str | None, typer.Option("--step", "-s", help="Only cases that test or check this step.", metavar="STEP")
    ] = None,
    pattern: Filter = None,
    limit: Limit = None,
    structured: Structured = False,
    new_samples: NewSamples = False,
    min_pass_rate: Annotated[
        float, typer.Option(help="Share of cases that must pass.", min=0, max=1, metavar="SHARE")
    ] = 1.0,
    allow_code: AllowCode = False,
    *,
    output: OutputOptions,
    options: ModelOptions,
) -> None:
    """Run the cases in the chain's folder `tests`, for single steps and for the whole chain.

    A case without a check is not run. The exit code is 0 if enough cases pass, 1 if not, 2 for
    wrong usage, 3 if the budget stopped the run, and 4 if calls failed for good. The scores are
    recorded in the folder's .runs, for `chain compare`.
    """
    from reasoning.benchmarks.chains import run_history
    from reasoning.benchmarks.chains.runner import plan_tests, run_suite
    from reasoning.benchmarks.chains.suite import load_suite
    from reasoning.chain.scaffold import resolve_folder
    from reasoning.tables import Document, Table

    policy: ImportPolicy = "all" if allow_code else "trusted"
    suite = load_suite(resolve_folder(folder), policy, step=step, pattern=pattern, limit=limit)
    tested = structure_chain(suite.chain) if structured else suite.chain
    runs = list(plan_tests(tested, suite.cases))
    with options.open_model(model) as llm, report_cost(llm):
        with show_progress(len(runs), llm) as on_finished:
            result = run_suite(runs, llm, on_finished, epoch=llm.journal.unused_epoch() if new_samples else 0)
        settings = {**llm.sampling, **({"structured": True} if structured else {})}
        recorded = run_history.current_run(suite.folder, llm.name, settings).with_scores(result.scores)
    run_history.save_run(recorded, suite.folder)
    states = _states(result)
    passed = sum(state == "passed" for state in states.values())
    unchecked = [case.id for case in suite.cases if not case.checks]
    if output.format == "json":
        cases = [{"case": name, "state": state, "why": _reasons(result, name)} for name, state in states.items()]
        run = {"run": recorded.name, "passed": passed, "n": len(states), "cases": cases, "not_judged": unchecked}
        print_json(run)
    elif output.format != "table":
        rows = [(name, state, "; ".join(_reasons(result, name))) for name, state in states.items()]
        rows += [(name, "not run", "it has no check") for name in unchecked]
        summary = f"{recorded.name}: {passed} of {len(states)} cases passed"
        output.print(Document([Table(("case", "state", "why"), rows, text_columns=3), summary]))
    else:
        _print_states(result, states, unchecked, recorded.name)
    check_finished(result)
    if passed < min_pass_rate * len(states):
        raise typer.Exit(1)


def _states(result: SuiteResult) -> dict[str, str]:
    """Return "passed", "rejected" or "failed" (a call failed) by case."""
    states: dict[str, str] = {}
    for score in result.scores:
        state = "failed" if score.passed is None else "passed" if score.passed else "rejected"
        if states.get(score.case, "passed") == "passed" or state == "failed":
            states[score.case] = state
    return states


def _reasons(result: SuiteResult, case: str) -> list[str]:
    return list(dict.fromkeys(reason for score in result.scores if score.case == case for reason in score.reasons))


def _print_states(result: SuiteResult, states: dict[str, str], unchecked: list[str], name: str) -> None:
    from reasoning.text_safety import to_line

    out = console()
    for case, state in states.items():
        out.print(f"{state:<8} {to_line(case)}", soft_wrap=True)
        for reason in _reasons(result, case):
            out.print(f"         {to_line(reason):.400}", soft_wrap=True)
    for case in unchecked:
        out.print(f"no check {to_line(case)}: not run", soft_wrap=True)
    agreed = [agreed for score in result.scores for agreed in score.judge_agreed]
    if agreed:
        out.print(f"the judge agreed with itself in both orders in {sum(agreed)} of {len(agreed)} judgements")
    passed = sum(state == "passed" for state in states.values())
    out.print(f"{name}: {passed} of {len(states)} cases passed")


@contextmanager
def show_progress(total: int, llm: LLM | None = None) -> Iterator[Any]:
    """Show a progress bar and what delays the model; yield a function to call after each run."""
    with progress_bar(total=total) as bar, nullcontext() if llm is None else bar.watching(llm):
        yield lambda run: bar.advance()


def check_finished(result: SuiteResult) -> None:
    """Raise the error that stopped a suite, or exit with 4 if calls failed for good."""
    if result.stopped is not None:
        info(f"finished cases are kept; {how_to_continue(result.stopped, is_of_run=False)}")
        raise result.stopped
    failed = [score for score in result.scores if score.passed is None]
    if failed:
        reason = next((reason for score in failed for reason in score.reasons), "")
        info(f"{len(failed)} of {len(result.scores)} scores are unknown and left out, the first because: {reason:.300}")
        raise typer.Exit(4)


def evaluate(
    folder: ChainFolder,
    model: Model = "local",
    pattern: Filter = None,
    limit: Limit = None,
    new_samples: NewSamples = False,
    allow_code: AllowCode = False,
    *,
    output: OutputOptions,
    options: ModelOptions,
) -> None:
    """Score a chain by step and end to end, and name the step to work on.

    Each step is scored within the chain, and alone with the gold results of the steps before it.
    Then the result of one step after another is replaced by its gold value, to measure how much
    better the end becomes: that is the loss of the step. Equal requests are sent once, and recorded
    draws are not paid for again.
    """
    from reasoning.benchmarks.chains.api import run_evaluation
    from reasoning.benchmarks.chains.suite import load_suite
    from reasoning.chain.scaffold import resolve_folder

    suite = load_suite(resolve_folder(folder), "all" if allow_code else "trusted", pattern=pattern, limit=limit)
    with options.open_model(model) as llm, report_cost(llm):
        epoch = llm.journal.unused_epoch() if new_samples else 0
        done = run_evaluation(suite, llm, partial(show_progress, llm=llm), epoch=epoch)
    output.print(done.evaluation.table, done.evaluation.to_json)
    check_finished(done.result)


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A folder, a bundled chain's name, or FOLDER@VERSION.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The version to compare with it, in the same form.")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="local, a litellm name, replay:FILE. If both versions are recorded: a model that ran both.",
            show_default="local",
            metavar="NAME",
        ),
    ] = None,
    pattern: Filter = None,
    limit: Limit = None,
    fail_if_worse: Annotated[
        str | None,
        typer.Option(help="Exit with 1 if the end result lost more than this, such as 2%.", metavar="POINTS"),
    ] = None,
    allow_code: AllowCode = False,
    *,
    output: OutputOptions,
    options: ModelOptions,
) -> None:
    """Compare two versions of a chain on the same cases.

    FOLDER@3 is the third version of the folder that was run; its recorded scores are used. A folder
    without a version is its present content; what has not been run yet is run now. Runs with other
    settings, such as --max-tokens, are compared only if no runs have the same, and the report
    says so.
    """
    from reasoning.benchmarks.chains.api import VERSION, run_comparison
    from reasoning.benchmarks.cli.results import parse_tolerance

    points = None if fail_if_worse is None else parse_tolerance(fail_if_worse)
    policy: ImportPolicy = "all" if allow_code else "trusted"
    selection = (policy, pattern, limit, points)
    if VERSION.fullmatch(first) and VERSION.fullmatch(second) and model is None:
        comparison, results = run_comparison(first, second, None, *selection, show_progress)
    else:
        with options.open_model(model or "local") as llm, report_cost(llm):
            comparison, results = run_comparison(first, second, llm, *selection, partial(show_progress, llm=llm))
    output.print(comparison.table, comparison.to_json)
    for result in results:
        check_finished(result)
    if not comparison.passed:
        raise typer.Exit(1)
