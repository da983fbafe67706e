"""The display: what a person sees in a terminal and elsewhere, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from reasoning import event_loop
from reasoning.benchmarks.experiment import named_strategies
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.runs import progress, runner
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.listeners import RunStart
from reasoning.benchmarks.runs.progress import RunProgress
from reasoning.engine.single_flight import CallContext
from reasoning.messages import Message, Usage
from reasoning.problem import Example
from reasoning.session import Session
from reasoning.testing import ScriptedLLM
from reasoning.trace import Trace

Sums = Callable[[int], list[Example]]
Adds = Callable[..., Callable[[tuple[Message, ...]], str]]
SPECS = ["vanilla", "self_consistency(cot(shots=2), samples=20)"]


class Fetched(ScriptedLLM):
    """A scripted model that is fetched and loaded first, as local ones are."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.client.progress = lambda done, total, what: None


def begun(display: RunProgress, sums: Sums, llm: ScriptedLLM) -> tuple[ResultsFolder, list[tuple[str, str]]]:
    store = ResultsFolder.open(None, {"task": "t", "model": "m"}, {})
    store.add_examples(sums(4))
    named = named_strategies(SPECS[:1])
    event_loop.run_sync(runner.run(runner.missing_keys(store, ["sum-1", "sum-2"], named), named, llm, store))
    named = named_strategies(SPECS)
    pairs = runner.missing_keys(store, list(store.examples), named)
    display.on_start(RunStart("t · 4 problems · m", llm, SPECS, pairs, list(store.results.values())))
    return store, pairs


def drawn(display: RunProgress, width: int) -> str:
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(display._picture())
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("width", [80, 120])
def test_the_picture_tells_everything_within_the_width(sums: Sums, adds: Adds, width: int) -> None:
    display = RunProgress(shown=False)
    assert "starting" in drawn(display, width)
    display.on_status("making the problems of t")
    assert "making the problems of t" in drawn(display, width)
    llm = Fetched(adds(2))
    store, pairs = begun(display, sums, llm)
    llm.client.progress(50_000_000, 200_000_000, "fetching smollm2-135m")
    for result in store.results.values():
        assert (result.problem, result.strategy) not in pairs
    first = drawn(display, width)
    assert "t · 4 problems · m" in first
    assert "2/8" in first  # stored before
    event_loop.run_sync(
        runner.run(pairs[:3], named_strategies(SPECS), llm, store, display.on_result, RunConfig(concurrency=1))
    )
    time.sleep(0.05)
    said = drawn(display, width)
    assert max(map(len, said.splitlines())) <= width
    assert "5/8" in said
    assert "left" in said
    assert "41 calls · 0 in flight" in said  # one of vanilla, twice twenty; the two before the run do not count
    assert [line.split()[-3:] for line in said.splitlines()[-2:]] == [["3/4", "67", "%"], ["2/4", "50", "%"]]


@pytest.mark.parametrize("is_first", [True, False])
def test_a_wait_for_the_last_calls_is_told_in_full(
    is_first: bool, sums: Sums, adds: Adds, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = f"waiting: every call has failed for 7 s ({'an error ' * 9}); trying again for at most 600 s"
    display, llm = RunProgress(shown=False), ScriptedLLM(adds(2))
    store, keys = begun(display, sums, llm)
    if not is_first:
        event_loop.run_sync(runner.run(keys[:4], named_strategies(SPECS), llm, store, display.on_result))
    monkeypatch.setattr(type(llm.limits), "__str__", lambda limits: said)
    shown = drawn(display, 80)
    assert said in " ".join(shown.split())
    assert " left" not in shown


def test_what_the_journal_gives_is_no_speed(sums: Sums, adds: Adds, monkeypatch: pytest.MonkeyPatch) -> None:
    llm = ScriptedLLM(adds())
    keys = [ResultKey(f"sum-{k}", "vanilla") for k in range(1, 5)]
    once = event_loop.run_sync(_solved(sums, llm))
    clock = iter([0.0, 0.0, 1.0, 2.0, *[3.0] * 9])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    display = RunProgress(shown=False)
    store = ResultsFolder.open(None, {"task": "t", "model": "m"}, {})
    store.add_examples(sums(4))
    display.on_start(RunStart("t · 4 problems · m", llm, ["vanilla"], keys))
    display.on_result(replace(once, spent=Usage()))
    assert "1/4 · 0:02, all from the journal so far" in display._counts()


def test_failed_results_are_counted_and_are_not_said_to_be_from_the_journal(sums: Sums, adds: Adds) -> None:
    once = event_loop.run_sync(_solved(sums, ScriptedLLM(adds())))
    llm, display = ScriptedLLM(adds()), RunProgress(shown=False)
    begun_keys = [ResultKey(f"sum-{k}", "vanilla") for k in range(1, 5)]
    display.on_start(RunStart("t · 4 problems · m", llm, ["vanilla"], begun_keys))
    display.on_result(replace(once, spent=Usage()))
    assert "all from the journal so far" in display._counts()
    failed = replace(once, state="failed", correct=None, spent=Usage(), usage=Usage(), reason="503")
    display.on_result(failed)
    assert "journal" not in display._counts()
    assert drawn(display, 80).splitlines()[-1].split() == ["vanilla", "2/4", "100", "%", "·", "1", "failed"]


def test_the_first_calls_of_many_at_once_tell_no_pace(sums: Sums, adds: Adds, monkeypatch: pytest.MonkeyPatch) -> None:
    display, llm = RunProgress(shown=False), ScriptedLLM(adds())
    store, pairs = begun(display, sums, llm)
    event_loop.run_sync(
        runner.run(pairs[:1], named_strategies(SPECS), llm, store, display.on_result, RunConfig(concurrency=1))
    )
    time.sleep(0.05)
    assert ", about " in drawn(display, 120)
    monkeypatch.setattr(type(llm), "in_flight", property(lambda llm: 48))
    assert "48 in flight" in (said := drawn(display, 120))
    assert "left" not in said


def test_what_a_race_has_stopped_is_not_to_do(sums: Sums, adds: Adds) -> None:
    llm, out = ScriptedLLM(adds()), dict[str, int]()
    store = ResultsFolder.open(None, {"task": "t", "model": "m"}, {})
    store.add_examples(sums(4))
    keys = [ResultKey(f"sum-{k}", spec) for k in range(1, 5) for spec in ("vanilla", "cot")]
    display = RunProgress(shown=False)
    display.on_start(RunStart("t · 4 problems · m", llm, ["vanilla", "cot"], keys, stopped=out))
    once = event_loop.run_sync(_solved(sums, llm))
    display.on_result(replace(once, strategy="cot"))
    assert "1/8 ·" in drawn(display, 80)
    out["cot"] = 1
    assert "1/5 ·" in drawn(display, 80)
    assert [line.split() for line in drawn(display, 80).splitlines()[-2:]] == [
        ["vanilla", "0/4", "–"],
        ["cot", "1/4", "100", "%", "stopped"],
    ]


async def _solved(sums: Sums, llm: ScriptedLLM) -> Result:
    store = ResultsFolder.open(None, {"task": "t", "model": "m"}, {})
    store.add_examples(sums(1))
    await runner.run([ResultKey("sum-1", "vanilla")], named_strategies(["vanilla"]), llm, store)
    return next(iter(store.results.values()))


def test_what_is_loading_is_said_with_its_bytes(sums: Sums, adds: Adds) -> None:
    display = RunProgress(shown=False)
    llm = Fetched(adds())
    store = ResultsFolder.open(None, {"task": "t", "model": "m"}, {})
    store.add_examples(sums(2))
    display.on_start(RunStart("t · 1 problem · m", llm, ["vanilla"], [ResultKey("sum-1", "vanilla")]))
    assert "waiting for the first answer" in drawn(display, 80)
    llm.client.progress(50_000_000, 200_000_000, "fetching smollm2-135m")
    assert "fetching smollm2-135m · 50 of 200 MB (25%)" in drawn(display, 80)
    llm.client.progress(0, 0, "loading smollm2-135m")
    assert "loading smollm2-135m" in (said := drawn(display, 80))
    assert "MB" not in said
    llm.client.progress(1, 1, "loading smollm2-135m")
    assert "waiting for the first answer" in drawn(display, 80)


def test_elsewhere_it_is_a_plain_line_now_and_then(sums: Sums, adds: Adds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_INTERVAL", 0.05)
    console = Console(file=StringIO(), force_terminal=False, width=80)
    llm = ScriptedLLM(adds(1), latency=0.06)
    with RunProgress(console=console) as display:
        display.on_status("making the problems of t")
        store, pairs = begun(display, sums, llm)
        event_loop.run_sync(
            runner.run(pairs, named_strategies(SPECS), llm, store, display.on_result, RunConfig(concurrency=1))
        )
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    lines = [line for line in lines if line != "making the problems of t" or line is lines[0]]
    assert lines[0] == "making the problems of t"
    assert lines[1] == "t · 4 problems · m · 6 results to make, 2 stored"
    assert any("in flight" in line and "ahead: " in line for line in lines[2:])
    assert "\x1b" not in "".join(lines)
    count = len(console.file.getvalue())  # type: ignore[attr-defined]
    time.sleep(0.15)
    assert len(console.file.getvalue()) == count  # type: ignore[attr-defined]


def test_one_result_is_singular() -> None:
    console = Console(file=StringIO(), force_terminal=False, width=80)
    with RunProgress(console=console) as display:
        display.on_start(RunStart("t", ScriptedLLM(lambda messages: "1"), ["vanilla"], [ResultKey("sum-1", "vanilla")]))
    assert console.file.getvalue().splitlines()[0] == "t · 1 result to make"  # type: ignore[attr-defined]


def test_none_at_all(sums: Sums, adds: Adds, capfd: pytest.CaptureFixture[str]) -> None:
    with RunProgress(shown=False) as display:
        begun(display, sums, ScriptedLLM(adds()))
    assert capfd.readouterr() == ("", "")


def test_in_a_terminal_it_costs_next_to_nothing_and_leaves_nothing_behind(sums: Sums, adds: Adds) -> None:
    console = Console(file=StringIO(), force_terminal=True, width=100, height=40)
    with RunProgress(console=console) as display:
        begun(display, sums, ScriptedLLM(adds()))
        time.sleep(0.6)
        before = time.process_time()
        time.sleep(1.6)
        cost = (time.process_time() - before) / 1.6
    assert cost < 0.3  # of one core; some 0.01 is usual
    assert "vanilla" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_fit_shows_its_calls_and_the_last_note(sums: Sums, adds: Adds) -> None:
    display = RunProgress(shown=False)
    llm, trace = Fetched(adds()), Trace("fit learner")
    display.on_fit("fitting learner on 3 examples of t", llm, trace)
    assert "fitting learner on 3 examples of t · 0:00 · 0 calls" in drawn(display, 120)
    llm.client.progress(1, 10, "loading the model")
    assert "examples of t · loading the model" in drawn(display, 120)
    llm.client.progress(10, 10, "loading the model")
    for _ in range(2):
        session = Session(llm, trace, context=CallContext(llm.budget, llm.journal, trace.name))
        event_loop.run_sync(session.ask("What is 1 + 1?"))
        session.note("question 1 of 3")
    assert "· 1 call · 1 recorded · question 1 of 3" in " ".join(drawn(display, 200).split())
    begun(display, sums, llm)
    assert "fitting" not in drawn(display, 120)
