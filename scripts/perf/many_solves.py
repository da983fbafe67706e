"""The CPU time and the memory of a large run: `bench run` over many solves, from Python.

    PYTHONPATH=scripts .venv/bin/python -m perf.many_solves --solves 50000    # a client in this process
    PYTHONPATH=scripts .venv/bin/python -m perf.many_solves --solves 20000 --mock --in-flight 1024

Without --mock, a client in this process replies at once; the mock server takes 200 ms. Half of the run
warms up; the growth of the memory and the CPU time a solve are those of the other half.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from perf.layer_overhead import InstantClient
from perf.mock import mock
from perf.workload import MAX_TOKENS, TEMPERATURE, Workload, questions

import reasoning as r
from reasoning.benchmarks.experiment import run_comparison
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.progress import RunProgress
from reasoning.engine.llm import LLM
from reasoning.engine.rate_limiter import RateLimiter

STRATEGIES = ("vanilla", "cot", "self_consistency(cot, samples=5)")
"""One, one and five draws; the draws of `cot` are the first of the vote."""


class Meter(RunProgress):
    """A display that is not shown, and measures the second half of a run."""

    def __init__(self, solves: int) -> None:
        super().__init__(shown=False)
        self._half, self._made = solves // 2, 0
        self.began: tuple[float, float, float, int] | None = None
        self.ended = self.began

    def on_result(self, result: Result) -> None:
        """Count a result, as the display does."""
        super().on_result(result)
        self._made += 1
        if self._made == self._half:
            self.began = self._now()

    def stop(self) -> None:
        """End the measurement."""
        self.ended = self._now()

    def _now(self) -> tuple[float, float, float, int]:
        if tracemalloc.is_tracing():
            gc.collect()
            return time.perf_counter(), time.process_time(), tracemalloc.get_traced_memory()[0], self._made
        # Without the pages of files, such as those of the journal.
        _, resident, of_files, *_ = map(int, Path("/proc/self/statm").read_text(encoding="ascii").split())
        rss = (resident - of_files) * 4096
        return time.perf_counter(), time.process_time(), rss, self._made

    def figures(self) -> dict[str, float]:
        """Return the figures of the second half."""
        assert self.began is not None
        assert self.ended is not None
        wall, cpu, rss, made = (end - start for start, end in zip(self.began, self.ended, strict=True))
        return {
            "cpu_us_a_solve": round(1e6 * cpu / made, 1),
            "solves_a_second": round(made / wall, 1),
            "bytes_a_result": round(rss / made, 1),
        }


def run(solves: int, strategies: Sequence[str], in_flight: int, url: str | None, folder: Path) -> dict[str, object]:
    """Run the comparison, and return its figures."""
    if url is None:
        llm = LLM(
            InstantClient(),
            journal=r.Journal(folder / "journal.sqlite"),
            limits=RateLimiter(in_flight),
            sampling={"temperature": TEMPERATURE, "max_tokens": MAX_TOKENS},
        )
    else:
        sampling = {"temperature": TEMPERATURE, "max_tokens": MAX_TOKENS}
        llm = r.connect(
            "mock",
            base_url=url,
            api_key="none",
            journal=folder / "journal.sqlite",
            concurrency=in_flight,
            **sampling,
        )
    count = solves // len(strategies)
    texts = enumerate(questions(count))
    # Without an id, each problem would be in memory twice: as given here, and with the id that the run gives it.
    examples = [r.Example(r.Problem(text, r.kinds.Number(), id=f"p{number}"), 4) for number, text in texts]
    meter = Meter(count * len(strategies))
    config = RunConfig(limit=count, folder=folder / "results", concurrency=in_flight)
    with llm:
        comparison = run_comparison(list(strategies), examples, llm, config, _Ending(meter))
    peak = Path("/proc/self/status").read_text(encoding="ascii").split("VmHWM:")[1].split()[0]
    assert all(row.failed == 0 for row in comparison.rows), comparison
    return {
        "solves": count * len(strategies),
        "in_flight": in_flight,
        **meter.figures(),
        "draws": llm.usage.calls,
        "peak_mb": round(int(peak) / 1024),
    }


class _Ending:
    """A listener that stops the meter at the last result, before the results are analysed."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def __getattr__(self, name: str) -> object:
        return getattr(self._meter, name)

    def on_result(self, result: Result) -> None:
        self._meter.on_result(result)
        if self._meter._made == self._meter._half * 2:
            self._meter.stop()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--solves", type=int, default=10_000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--mock", action="store_true", help="call the mock server, with 200 ms of latency")
    parser.add_argument("--strategies", default=", ".join(STRATEGIES))
    parser.add_argument("--folder", type=Path, help="where to keep the files; a temporary folder by default")
    parser.add_argument("--traced", action="store_true", help="only count the memory of Python objects; slow")
    options = parser.parse_args()
    if options.traced:
        tracemalloc.start()
    strategies = r.spec.split(options.strategies)
    server = mock(Workload(1, 1, 200)) if options.mock else nullcontext(None)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, server as address:
        url = None if address is None else address.url
        figures = run(options.solves, strategies, options.in_flight, url, Path(folder))
        if address is not None:
            figures["peak_in_flight"] = address.stats()["peak_in_flight"]
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
