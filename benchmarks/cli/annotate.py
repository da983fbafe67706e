"""The command `reasoning annotate`: a person annotates the questions about which a model is most uncertain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.benchmarks.cli.completion import complete_tasks
from reasoning.benchmarks.cli.task_options import Fields, LimitOfRun, Pool, PoolSize, Seed, Split
from reasoning.cli import config as config_file
from reasoning.cli import interrupts
from reasoning.cli.completion import complete_specs
from reasoning.cli.options import Model, ModelOptions
from reasoning.cli.output import ask_line, can_ask, info

if TYPE_CHECKING:
    from reasoning.benchmarks.annotate.annotation_file import AnnotationFile
    from reasoning.benchmarks.tasks.fitting_pool import FittingPool
    from reasoning.strategies.demonstrations.active_prompt import ActivePrompt

_SPARE = 4
"""The questions that wait for each one that is wanted, so that a person may skip some."""


def annotate(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The file of annotations, which grows.")],
    task: Annotated[
        str | None,
        typer.Option(
            help="The task for which examples are annotated. Problems that a run of it judges are left out.",
            metavar="TASK",
            callback=config_file.resolve_task,
            autocompletion=complete_tasks,
        ),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            "-s",
            help="How questions are chosen, as a spec of active_prompt.",
            metavar="SPEC",
            callback=config_file.resolve_strategies,
            autocompletion=complete_specs,
        ),
    ] = "active_prompt",
    model: Model = "local",
    fields: Fields = None,
    split: Split = "",
    limit: LimitOfRun = None,
    seed: Seed = 0,
    pool: Pool = None,
    pool_size: PoolSize = None,
    select_only: Annotated[
        bool, typer.Option("--select-only", help="Choose the questions, and annotate them later.")
    ] = False,
    *,
    options: ModelOptions,
) -> None:
    """Annotate the questions about which a model is most uncertain, in the terminal.

    The model answers each question of a pool several times. You write the reasoning and the answer of those on which it
    differs most, and FILE.toml takes them as demonstrations: active_prompt(demonstrations='FILE.toml').

    Every line that you enter is stored. The same command continues, and so does `reasoning annotate FILE.toml`.
    """
    from reasoning.benchmarks.annotate.annotation_file import AnnotationFile, check_file, questions_path
    from reasoning.benchmarks.annotate.dialogue import Dialogue
    from reasoning.errors import UsageError

    check_file(file)
    if not select_only and not can_ask():
        raise UsageError(
            f"annotate needs a terminal. Without one, --select-only writes the questions to "
            f"{questions_path(file)}; annotate them later in a terminal, or in an editor: for each a table "
            f"[[demonstrations]] with question, rationale and answer in {file}"
        )
    if questions_path(file).exists():
        annotations = AnnotationFile.open(file)
        info(f"{len(annotations.questions)} questions of {annotations.about.get('pool', 'a pool')} were chosen before")
    else:
        chosen = load_pool(task, pool, fields, split, limit, seed, pool_size)
        annotations = _select(file, _active_prompt(strategy), chosen, model, options)
    interrupts.keep(f"the annotations are kept in {file}, and what you began with them")
    if not select_only:
        Dialogue(annotations, ask_line, info).run()
    info(_outcome(annotations, select_only))


def load_pool(
    task: str | None,
    pool: str | None,
    fields: str | None,
    split: str,
    limit: int | None,
    seed: int,
    pool_size: int | None,
) -> FittingPool:
    """Return the pool from which `bench run` would fit with the same options.

    Raises:
        UsageError: neither a task nor a pool is given, or no example is left.
    """
    from reasoning.benchmarks.tasks import get, get_pool
    from reasoning.benchmarks.tasks.fitting_pool import USUAL_POOL, choose_pool
    from reasoning.benchmarks.tasks.problem_limit import ProblemLimit
    from reasoning.errors import UsageError

    given = None if pool is None else get_pool(pool, fields)
    if task is None and given is None:
        raise UsageError("annotate needs questions: give --task, of which the judged problems are left out, or --pool")
    source = given if task is None else get(task, fields, split)
    assert source is not None
    count = 0 if task is None else ProblemLimit.choose(source, limit, seed, "--limit ").count
    judged = source.load(count, seed) if count else []
    return choose_pool(source, judged, seed, pool_size or USUAL_POOL, given)


def _active_prompt(spec: str) -> ActivePrompt:
    from reasoning import registry
    from reasoning.errors import UsageError
    from reasoning.strategies.demonstrations.active_prompt import ActivePrompt

    strategy = registry.get(spec)
    if not isinstance(strategy, ActivePrompt):
        raise UsageError(f"--strategy must be active_prompt with its parameters, got {spec}")
    return strategy


def _select(file: Path, strategy: ActivePrompt, pool: FittingPool, model: str, options: ModelOptions) -> AnnotationFile:
    """Return the most uncertain questions of the pool, stored with the answers of the model."""
    from reasoning import event_loop
    from reasoning.benchmarks.annotate.annotation_file import AnnotationFile
    from reasoning.cli.progress import model_status
    from reasoning.display import describe_spending
    from reasoning.engine.single_flight import CallContext
    from reasoning.messages import Usage
    from reasoning.session import Session
    from reasoning.trace import Trace

    trace = Trace(f"fit {strategy!r}")
    info(f"sampling {strategy.pool_samples} answers to each question: {pool}")
    with options.open_model(model) as llm, model_status(llm):
        name = llm.name
        # The draws are those of a fit, which then makes no call for them.
        session = Session(llm, trace, context=CallContext(llm.budget, llm.journal, trace.name))
        ranked = event_loop.run_sync(strategy.rank(pool.examples, session))
    info(describe_spending(trace.spent, trace.usage, Usage(), Usage(), ""))
    about = {"pool": str(pool), "model": name, "strategy": repr(strategy), "choice": trace.last_note}
    return AnnotationFile.create(file, ranked[: _SPARE * strategy.shots], strategy.shots, about)


def _outcome(annotations: AnnotationFile, select_only: bool) -> str:
    done, wanted, path = annotations.done, annotations.wanted, annotations.path
    if select_only:
        return f"{len(annotations.questions)} questions are chosen; annotate them: reasoning annotate {path}"
    left = "" if done >= wanted else f"; reasoning annotate {path} continues"
    if left and annotations.next_open() is None:
        left = "; no other question is left: another file with a larger --pool-size, or another --pool, gives more"
    give = f"\ngive them to a technique: active_prompt(demonstrations={str(path)!r})" if done else ""
    return f"{done} of {wanted} questions are annotated in {path}{left}{give}"
