"""Programs per second, and the cost of the first one, compared with other ways to run a model's programs.

    export PYTHONPATH=scripts
    .venv/bin/python -m perf.programs                          # runners installed here
    .venv/bin/python -m perf.programs --also ENV/bin/python    # and there: smolagents, dspy
    .venv/bin/python -m perf.programs --only monty,subprocess --json

`arithmetic` is a typical program for a word problem; `sympy` solves an equation. All programs differ. The first
program's time includes everything that it starts; the others run sequentially, and in our interpreter also 64 at once.
The guarantees differ: smolagents' executor runs in the caller's process, and a subprocess is not locked down.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

ARITHMETIC = """total_eggs = 16 + {n}
eaten_eggs = 3
baked_eggs = 4
sold_eggs = total_eggs - eaten_eggs - baked_eggs
dollars_per_egg = 2
ans = sold_eggs * dollars_per_egg
"""
SYMPY = """from sympy import Symbol, Eq, solve
x = Symbol('x')
ans = solve(Eq(3 * x + {n}, 7), x)[0]
"""
RIGHT = {ARITHMETIC: lambda n: 2.0 * (9 + n), SYMPY: lambda n: (7 - n) / 3}

Run = Callable[[str], Any]


def ours() -> tuple[Run, Callable[[list[str]], list[Any]]]:
    """Return our interpreter, which chooses the tier that each program needs."""
    from reasoning.sandbox.interpreter import Interpreter

    interpreter = Interpreter()

    async def side_by_side(codes: list[str]) -> list[Any]:
        return [run.value for run in await asyncio.gather(*[interpreter.arun(code, result="ans") for code in codes])]

    return (lambda code: interpreter.run(code, result="ans").value), (lambda codes: asyncio.run(side_by_side(codes)))


def fresh() -> tuple[Run, None]:
    """Return a runner with a new Python process for each program, not locked down."""

    def run(code: str) -> str:
        command = [sys.executable, "-I", "-c", f"{code}\nprint(ans)"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return run, None


def smolagents() -> tuple[Run, None]:
    """Return smolagents' AST interpreter, which runs in our own process."""
    from smolagents.local_python_executor import LocalPythonExecutor

    def run(code: str) -> Any:
        executor = LocalPythonExecutor(["sympy", "sympy.*"])
        executor.send_tools({})
        return executor(f"{code}\nans").output

    return run, None


def dspy() -> tuple[Run, None]:
    """Return DSPy's interpreter: Pyodide in Deno, one process for all programs."""
    from dspy import PythonInterpreter

    interpreter = PythonInterpreter()
    return (lambda code: interpreter.execute(f"{code}\nans")), None


RUNNERS: dict[str, tuple[str, Callable[[], tuple[Run, Any]], str, int]] = {
    "monty": ("reasoning", ours, ARITHMETIC, 2000),
    "subprocess": ("python", fresh, ARITHMETIC, 50),
    "smolagents": ("smolagents", smolagents, ARITHMETIC, 500),
    "dspy": ("dspy", dspy, ARITHMETIC, 100),
    "child": ("reasoning", ours, SYMPY, 300),
    "subprocess sympy": ("python", fresh, SYMPY, 20),
    "smolagents sympy": ("smolagents", smolagents, SYMPY, 100),
}
"""Package, factory, program and number of runs by runner."""


def measure(name: str) -> dict[str, Any]:
    """Return one runner's figures.

    Raises:
        ImportError: the runner is not installed.
        RuntimeError: a program returned a wrong value.
    """
    package, make, program, number = RUNNERS[name]
    run, side_by_side = make()
    started = time.perf_counter()
    check(program, 0, run(program.format(n=0)))
    first = time.perf_counter() - started
    seconds = []
    for n in range(1, number + 1):
        code = program.format(n=n)
        started = time.perf_counter()
        value = run(code)
        seconds.append(time.perf_counter() - started)
        check(program, n, value)
    row = {
        "runner": name,
        "package": package,
        "first_s": round(first, 4),
        "median_ms": round(1000 * statistics.median(seconds), 3),
        "a_second": round(number / sum(seconds), 1),
    }
    if side_by_side is not None:
        started = time.perf_counter()
        for begin in range(0, number, 64):
            numbers = range(begin, min(begin + 64, number))
            for n, value in zip(numbers, side_by_side([program.format(n=n) for n in numbers]), strict=True):
                check(program, n, value)
        row["a_second_64"] = round(number / (time.perf_counter() - started), 1)
    return row


def check(program: str, n: int, value: Any) -> None:
    """Raise RuntimeError for a wrong result: a runner that does not compute is not measured."""
    from fractions import Fraction

    if abs(float(Fraction(str(value).strip())) - RIGHT[program](n)) > 1e-6:
        raise RuntimeError(f"program {n} returned {value}")


def measured(names: list[str], also: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the figures of each runner, from here or from the first other environment that has it."""
    for name in names:
        try:
            yield measure(name)
        except (ImportError, RuntimeError, OSError) as error:
            reason = str(error)
        else:
            continue
        for python in also:
            command = [python, "-m", "perf.programs", "--only", name, "--json"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
            if rows and "failed" not in rows[0]:
                yield rows[0]
                break
            reason = rows[0]["failed"] if rows else done.stderr.strip()[-300:]
        else:
            yield {"runner": name, "failed": reason}


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the figures as a table."""
    lines = ["| | first program, s | median, ms | programs/s | 64 at once, programs/s |", "|---|---|---|---|---|"]
    for row in rows:
        if "failed" in row:
            lines.append(f"| {row['runner']} | not run: {' '.join(row['failed'].split())[:100]} | | | |")
        else:
            cells = (
                row["first_s"],
                row["median_ms"],
                f"{row['a_second']:,.1f}",
                f"{row['a_second_64']:,.1f}" if "a_second_64" in row else "",
            )
            lines.append(f"| {row['runner']} | {' | '.join(map(str, cells))} |")
    rate = {row["runner"]: row["a_second"] for row in rows if "a_second" in row}
    for quick, slow in (("monty", "subprocess"), ("child", "subprocess sympy")):
        if quick in rate and slow in rate:
            lines.append(f"\n{quick} is {rate[quick] / rate[slow]:.0f} × {slow}.")
    return "\n".join(lines)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Measure ways to run programs.")
    parser.add_argument("--only", default=",".join(RUNNERS), help="comma-separated list of runners")
    parser.add_argument("--also", action="append", default=[], help="another environment's Python; may be repeated")
    parser.add_argument("--json", action="store_true", help="print one line of JSON per runner")
    arguments = parser.parse_args()
    names = [name.strip() for name in arguments.only.split(",")]
    if unknown := [name for name in names if name not in RUNNERS]:
        raise SystemExit(f"error: unknown runner {unknown[0]!r}; known: {', '.join(RUNNERS)}")
    rows = []
    for row in measured(names, arguments.also):
        rows.append(row)
        if arguments.json:
            print(json.dumps(row), flush=True)
    if not arguments.json:
        print(markdown(rows))


if __name__ == "__main__":
    main()
