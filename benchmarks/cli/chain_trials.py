"""`reasoning chain test` and `samples`: a chain on its cases, and new inputs for a step."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasoning.cli.chain import chain
from reasoning.cli.chain_options import Code, Concurrency, Folder, Longest, Record, Spend, Url, connected
from reasoning.cli.options import Pace, SandboxOption
from reasoning.cli.output import AsJson, console, info, print_json

if TYPE_CHECKING:
    from reasoning.benchmarks.chains.input_generation import GeneratedInput, InputGenerator
    from reasoning.benchmarks.chains.runner import CaseRun, SuiteResult
    from reasoning.engine.llm import LLM

Model = Annotated[str, typer.Option("--model", "-m", help="local, a litellm name, replay:FILE.")]
Limit = Annotated[int | None, typer.Option(help="The first so many cases.", min=1)]
Only = Annotated[str | None, typer.Option(help="Only cases with such an id: 'angry*'.")]


@chain.command(name="test")
def run_cases(
    folder: Folder,
    model: Model = "local",
    base_url: Url = None,
    step: Annotated[str | None, typer.Option("--step", "-s", help="Only cases that say something of it.")] = None,
    only: Only = None,
    limit: Limit = None,
    at_least: Annotated[float, typer.Option(help="The share of cases that must pass.", min=0, max=1)] = 1.0,
    concurrency: Concurrency = 32,
    pace: Pace = None,
    sandbox: SandboxOption = None,
    budget: Spend = None,
    max_tokens: Longest = None,
    journal: Record = None,
    as_json: AsJson = False,
    allow_code: Code = False,
) -> None:
    """Run the cases in the chain's folder `tests`, for single steps and for the whole.

    A case without a check is not run, since nothing says what would be right. Ends with 0 when enough of the others
    pass, 1 when not, 2 for wrong usage, 3 when the budget stopped it, 4 when calls failed for good. What came of it is
    kept in the folder's .runs, for `chain compare`.
    """
    from reasoning.benchmarks.chains import run_history
    from reasoning.benchmarks.chains.runner import plan_tests, run_suite
    from reasoning.benchmarks.chains.suite import load_suite
    from reasoning.chain.scaffold import source

    found = load_suite(source(folder), "run" if allow_code else "known", step=step, only=only, limit=limit)
    trials = list(plan_tests(found.chain, found.cases))
    with connected(model, base_url, journal, budget, concurrency, max_tokens, pace, sandbox) as llm, spending(llm):
        with progress(len(trials)) as told:
            done = run_suite(trials, llm, told)
        kept = run_history.current_run(found.folder, llm.name, llm.sampling).with_scores(done.scores)
    run_history.save_run(kept, found.folder)
    states = _states(done)
    passed = sum(state == "passed" for state in states.values())
    unjudged = [case.id for case in found.cases if not case.checks]
    if as_json:
        cases = [{"case": name, "state": state, "why": _why(done, name)} for name, state in states.items()]
        said = {"run": kept.name, "passed": passed, "n": len(states), "cases": cases, "not_judged": unjudged}
        print_json(said)
    else:
        _print(done, states, unjudged, kept.name)
    ended(done)
    if passed < at_least * len(states):
        raise typer.Exit(1)


def _states(done: SuiteResult) -> dict[str, str]:
    """ "passed", "refused" or "failed" (a call that did not come through), by case."""
    states: dict[str, str] = {}
    for one in done.scores:
        state = "failed" if one.passed is None else "passed" if one.passed else "refused"
        if states.get(one.case, "passed") == "passed" or state == "failed":
            states[one.case] = state
    return states


def _why(done: SuiteResult, case: str) -> list[str]:
    return list(dict.fromkeys(why for one in done.scores if one.case == case for why in one.reasons))


def _print(done: SuiteResult, states: dict[str, str], unjudged: list[str], name: str) -> None:
    from reasoning.display import strip_control

    out = console()
    for case, state in states.items():
        out.print(f"{state:<8} {case}", soft_wrap=True)
        for why in _why(done, case):
            out.print(f"         {strip_control(why):.400}", soft_wrap=True)
    for case in unjudged:
        out.print(f"no check {case}: not judged", soft_wrap=True)
    agreed = [one for outcome in done.scores for one in outcome.judge_agreed]
    if agreed:
        out.print(f"the judge said the same in both orders in {sum(agreed)} of {len(agreed)} judgements")
    passed = sum(state == "passed" for state in states.values())
    out.print(f"{name}: {passed} of {len(states)} cases passed")


@contextmanager
def spending(llm: LLM) -> Iterator[None]:
    """What a model spends meanwhile is said at the end."""
    from reasoning.display import cost

    yield
    info(f"spent now: {cost(llm.usage) if llm.usage.calls else 'nothing'}")


@contextmanager
def progress(total: int) -> Iterator[Any]:
    """A bar on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (BarColumn(30), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)

        def told(trial: CaseRun) -> None:
            bar.update(task, advance=1)

        yield told


def ended(done: SuiteResult) -> None:
    """Raise what stopped trials, or leave with 4 where calls failed for good."""
    if done.stopped is not None:
        info("what was done is kept; the same command goes on")
        raise done.stopped
    failed = [one for one in done.scores if one.passed is None]
    if failed:
        why = next((why for one in failed for why in one.reasons), "")
        info(f"{len(failed)} of {len(done.scores)} outcomes failed and are left out, the last with: {why:.300}")
        raise typer.Exit(4)


@chain.command()
def samples(
    folder: Folder,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The step whose inputs they are.")],
    number: Annotated[int, typer.Option("-n", "--number", help="How many.", min=1)] = 20,
    accept: Annotated[str, typer.Option(help="ask (each in the terminal), or all.")] = "ask",
    real: Annotated[
        list[str] | None, typer.Option("--from", help="Real inputs of the chain: texts, .jsonl, .csv.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another one gives others.")] = 0,
    model: Model = "local",
    base_url: Url = None,
    concurrency: Concurrency = 32,
    pace: Pace = None,
    sandbox: SandboxOption = None,
    budget: Spend = None,
    max_tokens: Longest = None,
    journal: Record = None,
) -> None:
    """Write new inputs for a step, after the real ones in its cases; those that you accept become cases.

    They go to tests/samples.jsonl in the chain's folder, without a word on what is right: add "expected" or "check".
    """
    from reasoning.benchmarks.chains import input_generation as made
    from reasoning.benchmarks.chains.cases import FOLDER, Case, is_case_file, read_case_file
    from reasoning.chain.code_loader import Code as Names
    from reasoning.chain.folder import load
    from reasoning.chain.inputs import given
    from reasoning.chain.scaffold import shipped, source
    from reasoning.errors import UnknownName, UsageError

    if accept not in ("ask", "all"):
        raise UnknownName("way to accept", accept, ("ask", "all"))
    place = source(folder)
    if place in shipped().values():
        raise UsageError(f"{folder} is shipped: make one of your own first: reasoning chain new NAME --like {folder}")
    found = load(place, "known")
    files = sorted(path for path in (place / FOLDER).glob("*") if is_case_file(path))
    written, real_ones = list[Case](), list[Case]()
    for path in files:
        (written if path.name == made.FILE else real_ones).extend(read_case_file(path, found, Names(place, "known")))
    seeds = list(made.seed_inputs(found, step, real_ones))
    for one in given(real or [], found):
        if one.problem is None:
            raise UsageError(one.wrong)
        needed = found.step(step).needs
        if needed <= one.problem.inputs.keys():
            seeds.append({name: one.problem.inputs[name] for name in needed})
    maker = made.InputGenerator(found, step, seeds, known=made.seed_inputs(found, step, written))
    kept = 0
    try:
        with connected(model, base_url, journal, budget, concurrency, max_tokens, pace, sandbox) as llm, spending(llm):
            for sample in _chosen(maker, maker.generate(number, llm, seed), number, accept == "all"):
                file = made.append_case(place, step, sample)
                kept += 1
    finally:
        if kept:
            info(f"{file}: {kept} more; say in each what is right: expected, or check")


def _chosen(
    maker: InputGenerator, written: Iterator[GeneratedInput], number: int, everything: bool
) -> Iterator[GeneratedInput]:
    """Those that are accepted, each at once: all, or by a person, who may change one (e), or stop (q)."""
    from reasoning.display import strip_control

    for place, one in enumerate(written, 1):
        console().print(strip_control(f"{place} of {number}, {one.twist}:\n{one.text}"), soft_wrap=True)
        answer = "y" if everything else _asked()
        if answer == "q":
            break
        changed = _edited(maker, one) if answer == "e" else one
        if changed is not None and answer != "n":
            yield changed


def _asked() -> str:
    """One of y, n, e and q; the end of the input is q."""
    while True:
        try:
            answer = input("keep it? y(es) n(o) e(dit) q(uit): ").strip().lower()[:1]
        except EOFError:
            return "q"
        if answer in tuple("yneq"):
            return answer


def _edited(maker: InputGenerator, one: GeneratedInput) -> GeneratedInput | None:
    """The sample as the person's editor leaves it; None where that is no input."""
    from dataclasses import replace

    from reasoning.errors import UsageError

    text = _in_editor(one.text).strip()
    try:
        return replace(one, inputs=maker.parse(text), text=text)
    except (UsageError, KeyError) as error:
        info(f"left out: {error}")
        return None


def _in_editor(text: str) -> str:
    """A text as the person's editor ($VISUAL, $EDITOR, vi) leaves it; as it was where there is none."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "sample.txt"
        path.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*command, str(path)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            info(f"the editor did not work: {error}")
        return path.read_text(encoding="utf-8")
