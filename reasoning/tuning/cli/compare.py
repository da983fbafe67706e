"""`reasoning tune compare`: whether a smaller model replaces another one at a step of a chain."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.cli.completion import complete_models
from reasoning.cli.options import AllowCode, ChainFolder, ModelOptions
from reasoning.cli.output import OutputOptions

if TYPE_CHECKING:
    from reasoning.chain.code_loader import ImportPolicy


def compare(
    folder: ChainFolder,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The step at which models are compared.")],
    models: Annotated[
        str,
        typer.Option(
            help="The models, first the one to replace: 'local, local:smollm2-135m, local:smollm2-135m+NAME'.",
            metavar="NAMES",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="The model of the other steps.",
            metavar="NAME",
            show_default="the first of --models",
            autocompletion=complete_models,
        ),
    ] = None,
    tolerance: Annotated[str, typer.Option(help="The largest loss that does not matter.", metavar="POINTS")] = "5%",
    pattern: Annotated[
        str | None, typer.Option("--filter", help="Only cases whose id matches this pattern.", metavar="PATTERN")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="Largest number of cases; 0 is all.", min=0, show_default="all", metavar="N"),
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Compare the step alone: the whole chain costs several times as much.")
    ] = False,
    allow_code: AllowCode = False,
    *,
    output: OutputOptions,
    options: ModelOptions,
) -> None:
    """Compare models at one step of a chain, on its cases with gold values; the other steps stay as they are.

    Each model answers the step alone, with the gold results of the steps before it, and within the
    whole chain. A model replaces the first one if its loss is shown to be smaller than the tolerance,
    at the step and end to end. If the cases are too few to tell, the report says how many would be
    needed.
    """
    from reasoning.benchmarks.chains.suite import load_suite
    from reasoning.benchmarks.cli.chain import check_finished, show_progress
    from reasoning.benchmarks.cli.chain_generate import report_cost
    from reasoning.benchmarks.cli.results import parse_tolerance
    from reasoning.chain.scaffold import resolve_folder
    from reasoning.errors import UsageError
    from reasoning.tuning.comparison.decision import compare_models
    from reasoning.tuning.comparison.model_runs import run_models
    from reasoning.tuning.comparison.report import describe, to_json

    names = list(dict.fromkeys(name for part in models.split(",") if (name := part.strip())))
    if len(names) < 2:
        raise UsageError(f"--models must name at least two models, separated by commas, got {models!r}")
    points = parse_tolerance(tolerance, "--tolerance")
    policy: ImportPolicy = "all" if allow_code else "trusted"
    suite = load_suite(resolve_folder(folder), policy, pattern=pattern, limit=limit)
    suite.chain.step(step)
    own = model or names[0]
    with options.open_model(own) as llm, report_cost(llm):
        progress = partial(show_progress, llm=llm)
        runs, results = run_models(suite.chain, step, names, suite.cases, llm, own, progress, alone=alone)
    stopped = any(result.stopped is not None for result in results)
    comparison = compare_models(suite.chain.name, step, runs, points, stopped=stopped)
    output.print(lambda: describe(comparison), lambda: to_json(comparison))
    for result in results:
        check_finished(result)
