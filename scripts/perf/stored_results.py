"""The time and the memory of reading a large results folder, which is written through the folder's own writer.

    PYTHONPATH=scripts .venv/bin/python -m perf.stored_results --results 100000 --folder DIR
    PYTHONPATH=scripts .venv/bin/python -m perf.stored_results --results 1000000 --folder DIR --parts table,table,html

Each part runs in its own process, so that its peak memory is its own: `table` (table, verdict and paired tests, as
`bench report` prints them), `json`, `html`, `show` (`bench show`), `compare` (the folder with itself). The first part
after the folder was written reads JSON lines; a later one finds the columns that the first has left.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from perf.workload import questions

from reasoning import Example, Problem, kinds
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result
from reasoning.messages import Completion, Message, Usage
from reasoning.trace import Call, Trace

STRATEGIES = ("vanilla", "cot", *(f"self_consistency(cot, samples={samples})" for samples in range(2, 10)))
_CHANCE = {spec: 0.5 + 0.03 * number for number, spec in enumerate(STRATEGIES)}


def write_folder(folder: Path, results: int, traces: int) -> None:
    """Write a results folder with results of ten strategies, the first of which have traces."""
    began = time.process_time()
    settings = {"task": "sums", "task_version": "1", "seed": None, "model": "null", "base_url": None}
    store = ResultsFolder.open(folder, {**settings, "parser_version": kinds.PARSER_VERSION}, {"free": False})
    store.register_strategies(STRATEGIES)
    count = results // len(STRATEGIES)
    store.add_examples(
        [
            Example(Problem(text, kinds.Number(), id=f"sums-{number:07d}"), number)
            for number, text in enumerate(questions(count))
        ]
    )
    dice = random.Random(7)
    for number, example in enumerate(store.examples.values()):
        # Problems differ in difficulty, so that strategies agree more often than by chance.
        hard = dice.random() - 0.5
        for spec in STRATEGIES:
            result = _result(example, spec, number, dice.random() < _CHANCE[spec] - 0.6 * hard, dice)
            store.add(result, _trace(example, result) if number * len(STRATEGIES) < traces else None)
    store.close()
    took = (time.process_time() - began) / results
    _say("write", results=results, cpu_us_a_result=round(1e6 * took, 1), mb=round(_megabytes(folder)))


def _result(example: Example, spec: str, number: int, is_right: bool, dice: random.Random) -> Result:
    samples = int(spec[-2]) if spec.endswith(")") else 1
    value = str(number if is_right else number + dice.randint(1, 9))
    usage = Usage(samples, 90, 140 * samples + dice.randint(0, 40), 0, 0.00012 * samples, 1.5 * samples + dice.random())
    is_unparsed = not is_right and dice.random() < 0.05
    return Result(
        str(example.problem.id),
        spec,
        f"fingerprint-{spec}",
        "unparsed" if is_unparsed else "answered",
        is_right,
        None if is_unparsed else value,
        "" if is_unparsed else "stated",
        "no number is stated" if is_unparsed else "",
        None if samples == 1 else 0.8,
        () if samples == 1 else ((value, samples - 1), ("0", 1)),
        usage,
        usage,
        1.7,
        parser_version=kinds.PARSER_VERSION,
    )


def _trace(example: Example, result: Result) -> Trace:
    reply = Completion(f"Let us see. The answer is {result.value}.", usage=result.usage)
    call = Call((Message("user", example.problem.question),), {"temperature": 0.7}, (reply,))
    return Trace(result.strategy, [call], result.usage.seconds)


def _table(folder: Path) -> object:
    from reasoning.benchmarks.analysis.comparison import Comparison

    comparison = Comparison.from_folder(ResultsFolder.read(folder))
    return str(comparison), comparison.pairs


def _json(folder: Path) -> object:
    from reasoning.benchmarks.analysis.comparison import Comparison

    return Comparison.from_folder(ResultsFolder.read(folder)).to_json()


def _html(folder: Path) -> object:
    from reasoning.benchmarks.report import ReportData, save

    path = folder.with_suffix(".html")
    save(ReportData.from_folder(ResultsFolder.read(folder)), path)
    _say("page", mb=round(path.stat().st_size / 1e6, 2))
    return path


def _show(folder: Path) -> object:
    from reasoning.benchmarks.analysis.inspect_results import answer_matrix

    return answer_matrix(ResultsFolder.read(folder), ())


def _compare(folder: Path) -> object:
    from reasoning.benchmarks.analysis.regression import compare_runs

    return compare_runs(folder, folder, None, None)


PARTS: dict[str, Callable[[Path], object]] = {
    "table": _table,
    "json": _json,
    "html": _html,
    "show": _show,
    "compare": _compare,
}


def read(part: str, folder: Path) -> None:
    """Print the CPU and wall seconds of one part, and the peak memory of this process."""
    # As in the command `reasoning`.
    gc.set_threshold(20_000, 20, 50)
    wall, cpu = time.perf_counter(), time.process_time()
    PARTS[part](folder)
    _say(
        part,
        cpu_s=round(time.process_time() - cpu, 2),
        wall_s=round(time.perf_counter() - wall, 2),
        peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    )


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.iterdir()) / 1e6


def _say(part: str, **figures: object) -> None:
    sys.stdout.write(json.dumps({"part": part, **figures}) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=int, default=100_000, help="number of results, of ten strategies")
    parser.add_argument("--traces", type=int, default=50_000, help="number of results with a trace")
    parser.add_argument("--folder", type=Path, required=True, help="the results folder; written if it is missing")
    parser.add_argument("--parts", default=",".join(PARTS), help="what to read, in order")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.folder.exists():
        write_folder(options.folder, options.results, options.traces)
    for part in options.parts.split(","):
        if options.here:
            read(part, options.folder)
        else:
            command = [sys.executable, "-m", "perf.stored_results", "--here", "--parts", part, "--folder"]
            subprocess.run([*command, str(options.folder)], check=True)


if __name__ == "__main__":
    main()
