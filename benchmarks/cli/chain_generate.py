"""`reasoning chain generate`: new inputs for a step, accepted by a person."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.cli import interrupts
from reasoning.cli.options import ChainFolder, Model, ModelOptions
from reasoning.cli.output import console, info

if TYPE_CHECKING:
    from reasoning.benchmarks.chains.cases import Case
    from reasoning.benchmarks.chains.input_generation import GeneratedInput, InputGenerator
    from reasoning.engine.llm import LLM


@contextmanager
def report_cost(llm: LLM) -> Iterator[None]:
    """Print the model's cost at the end of the block."""
    from reasoning.display import cost

    yield
    info(f"spent now: {cost(llm.usage) if llm.usage.calls else 'nothing'}")


def generate(
    folder: ChainFolder,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The step that reads the inputs.")],
    number: Annotated[
        int, typer.Option("-n", "--number", help="Number of inputs to generate.", min=1, metavar="N")
    ] = 20,
    accept: Annotated[str, typer.Option(help="ask (about each, in the terminal), or all.", metavar="WAY")] = "ask",
    real: Annotated[
        list[str] | None, typer.Option("--from", help="Real inputs of the chain: texts, .jsonl, .csv.", metavar="FILE")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed; another one gives other inputs.", metavar="N")] = 0,
    model: Model = "local",
    *,
    options: ModelOptions,
) -> None:
    """Generate new inputs for a step, modelled on the real ones in its cases. Accepted inputs become cases.

    They are appended to tests/samples.jsonl in the chain's folder, without gold values: add
    "expected" or "check".
    """
    from reasoning.benchmarks.chains.input_generation import InputGenerator, append_case, seed_inputs
    from reasoning.chain.folder import load
    from reasoning.chain.inputs import read_inputs
    from reasoning.chain.scaffold import resolve_folder
    from reasoning.errors import UnknownName, UsageError
    from reasoning.registry import bundled_chains
    from reasoning.tables import pluralize

    if accept not in ("ask", "all"):
        raise UnknownName("way to accept", accept, ("ask", "all"))
    path = resolve_folder(folder)
    if path in bundled_chains().values():
        raise UsageError(f"{folder} is a bundled chain; copy it first: reasoning chain new NAME --template {folder}")
    chain = load(path, "trusted")
    real_cases, generated_cases = _read_cases(path)
    seeds = list(seed_inputs(chain, step, real_cases))
    for row in read_inputs(real or [], chain):
        if row.problem is None:
            raise UsageError(row.error)
        needed = chain.step(step).dependencies
        if needed <= row.problem.inputs.keys():
            seeds.append({name: row.problem.inputs[name] for name in needed})
    generator = InputGenerator(chain, step, seeds, known=seed_inputs(chain, step, generated_cases))
    accepted = 0
    try:
        with (
            options.open_model(model) as llm,
            report_cost(llm),
        ):
            inputs = generator.generate(number, llm, seed)
            for accepted_input in _accepted(generator, inputs, number, accept == "all"):
                file = append_case(path, step, accepted_input)
                accepted += 1
                cases = f"{file}: {pluralize(accepted, 'more case')}; add expected or check to each"
                # An interrupt at the question ends the process.
                interrupts.keep(f"the recorded draws are kept\n{cases}")
    finally:
        if accepted:
            info(cases)


def _read_cases(folder: Path) -> tuple[list[Case], list[Case]]:
    """Return the cases that people wrote, and the generated cases."""
    from reasoning.benchmarks.chains.cases import FOLDER, is_case_file, read_case_file
    from reasoning.benchmarks.chains.input_generation import FILE
    from reasoning.chain.code_loader import CodeLoader
    from reasoning.chain.folder import load

    chain, code = load(folder, "trusted"), CodeLoader(folder, "trusted")
    real: list[Case] = []
    generated: list[Case] = []
    for path in sorted(path for path in (folder / FOLDER).glob("*") if is_case_file(path)):
        (generated if path.name == FILE else real).extend(read_case_file(path, chain, code))
    return real, generated


def _accepted(
    generator: InputGenerator, inputs: Iterator[GeneratedInput], number: int, accept_all: bool
) -> Iterator[GeneratedInput]:
    """Yield each accepted input at once: all of them, or those that a person accepts, edits (e), until q."""
    for count, candidate in enumerate(inputs, 1):
        console().print(f"{count} of {number}, {candidate.twist}:\n{candidate.text}", soft_wrap=True)
        answer = "y" if accept_all else _ask()
        if answer == "q":
            break
        changed = _edit(generator, candidate) if answer == "e" else candidate
        if changed is not None and answer != "n":
            yield changed


def _ask() -> str:
    """Return one of y, n, e and q. The end of standard input counts as q."""
    while True:
        try:
            answer = input("keep it? y(es) n(o) e(dit) q(uit): ").strip().lower()[:1]
        except EOFError:
            return "q"
        if answer in tuple("yneq"):
            return answer


def _edit(generator: InputGenerator, candidate: GeneratedInput) -> GeneratedInput | None:
    """Return the input as the person edits it; None if the result is not an input."""
    from dataclasses import replace

    from reasoning.errors import UsageError

    text = open_editor(candidate.text).strip()
    try:
        return replace(candidate, inputs=generator.parse(text), text=text)
    except (UsageError, KeyError) as error:
        info(f"left out: {error}")
        return None


def open_editor(text: str) -> str:
    """Open the person's editor ($VISUAL, $EDITOR, vi) and return the edited text."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "sample.txt"
        path.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*command, str(path)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            info(f"the editor failed: {error}")
        return path.read_text(encoding="utf-8")
