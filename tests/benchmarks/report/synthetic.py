"""Results folders that no model made: of any size, with the texts of a run, for tests and measurements.

python -m tests.benchmarks.report.synthetic DIR --problems 1319 --strategies 10
python -m tests.benchmarks.report.synthetic DIR --problems 10000 --strategies 10 --no-traces
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from reasoning.benchmarks.results.example_json import to_json
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result
from reasoning.kinds import PARSER_VERSION, Number
from reasoning.messages import Completion, Message, Usage
from reasoning.problem import Example, Problem
from reasoning.trace import Call, Trace

SPECS = [
    *("vanilla", "cot", "cot(shots=4)", "cot(shots=8)", "program_of_thoughts", "least_to_most", "plan_and_solve"),
    *("self_consistency(cot, samples=5)", "self_consistency(cot, samples=10)", "thread_of_thought"),
]
LONG_SPECS = [
    *("vanilla", "cot(shots=8, stages=1)", "program_of_thoughts(shots=4, repairs=2)", "thread_of_thought"),
    *(f"tree_of_thoughts(task='steps', breadth={k}, children=4, judgements=2)" for k in (2, 5)),
    *("least_to_most(max_subproblems=12)", "plan_and_solve", "cot", "cot(shots=4)", "self_consistency(cot, samples=5)"),
    *("self_consistency(program_of_thoughts, samples=5)", "ensemble_refinement(cot, drafts=5, samples=5)"),
    "self_consistency(cot(shots=4, stages=1), temperature=0.7, samples=10)",
    "self_consistency(program_of_thoughts(repairs=2), temperature=1.0, samples=10)",
]
"""Fifteen strategies with long names."""
_TEXT = (
    "the of a has many how each buys sells apples bread train hours kilometres price twice half more than left in all "
    "Mia Ravi Leo Noor every week shop box boxes litre water school pupils books costs dollars cents day days garden "
    "rows plants field tank minutes works pays rent saves rides runs first second third total together between them"
)
_WORDS = _TEXT.split()


def sentence(random: Random, words: int) -> str:
    """Words and numbers in a row, as long as those of a problem."""
    said = [random.choice(_WORDS) if random.random() > 0.12 else str(random.randrange(2, 900)) for _ in range(words)]
    return " ".join(said).capitalize() + "."


def made(
    folder: Path,
    problems: int,
    strategies: int,
    *,
    traces: bool = True,
    epochs: int = 1,
    seed: int = 0,
    specs: Sequence[str] = SPECS,
) -> ResultsFolder:
    """A folder of a run that is done. Strategies get better and dearer along the list."""
    random, specs = Random(seed), list(specs[:strategies])
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "task": "made up",
        "task_version": "1",
        "seed": seed,
        "model": "made-up-model",
        "parser_version": PARSER_VERSION,
    }
    about = {"free": False, "created": "2026-01-01T00:00:00+00:00", "library": "0"}
    run = {"format": 1, "settings": settings, "strategies": specs, "metadata": about}
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    shots = {spec: [sentence(random, 60) for _ in range(8)] for spec in specs}
    examples = [
        Example(Problem(sentence(random, 45), Number(), id=f"made-{k:05d}"), str(random.randrange(2, 400)))
        for k in range(problems)
    ]
    with (
        (folder / "problems.jsonl").open("w", encoding="utf-8") as asked,
        (folder / "results.jsonl").open("w", encoding="utf-8") as results,
        (folder / "traces.jsonl").open("w", encoding="utf-8") as told,
    ):
        asked.writelines(_line(to_json(example)) for example in examples)
        for example in examples:
            hard = random.random()
            for place, spec in enumerate(specs):
                for epoch in range(epochs):
                    result, trace = _solved(random, example, spec, hard, place, epoch, shots[spec])
                    results.write(_line(result.to_json()))
                    if traces:
                        told.write(_line({**result.key._asdict(), "trace": trace.to_json()}))
    return ResultsFolder.read(folder)


def _solved(
    random: Random, example: Example, spec: str, hard: float, place: int, epoch: int, shots: list[str]
) -> tuple[Result, Trace]:
    samples = int(spec.rpartition("=")[2][:-1]) if "samples" in spec else 1
    turns = [Message("user" if k % 2 == 0 else "assistant", text) for k, text in enumerate(shots[: 2 * (place % 4)])]
    turns.append(Message("user", example.problem.question))
    draws = []
    counts: dict[str, int] = {}
    for _ in range(samples):
        fine = random.random() < 0.2 + 0.06 * place + 0.5 * (0.5 - hard)
        said = str(example.target) if fine else str(random.randrange(2, 400))
        counts[said] = counts.get(said, 0) + 1
        usage = Usage(1, 60 + 50 * len(turns), 40, 0, 0.0001 * len(turns), 0.8)
        draws.append(Completion(f"{sentence(random, 60)}\nThe answer is {said}.", usage=usage))
    unread = random.random() < 0.02
    value = None if unread else max(counts, key=counts.__getitem__)
    whole = sum((draw.usage for draw in draws), Usage())
    result = Result(
        *(str(example.problem.id), spec, "made", "unparsed" if unread else "answered", value == str(example.target)),
        *(value, "" if unread else "trigger", "nothing found" if unread else ""),
        confidence=None if samples == 1 or unread else counts[value] / samples,
        votes=tuple(counts.items()) if samples > 1 else (),
        usage=whole,
        spent=whole,
        seconds=1.0,
        epoch=epoch,
        parser_version=PARSER_VERSION,
    )
    return result, Trace(spec, [Trace("reasoning", [Call(tuple(turns), {"max_tokens": 512}, tuple(draws))], 0.8)], 1.0)


def _line(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Make a results folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--problems", type=int, default=1319)
    parser.add_argument("--strategies", type=int, default=len(SPECS))
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--no-traces", action="store_true")
    given = parser.parse_args()
    made(given.folder, given.problems, given.strategies, traces=not given.no_traces, epochs=given.epochs)


if __name__ == "__main__":
    main()
