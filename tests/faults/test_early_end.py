"""Which failures end a run, of the benchmark and of chains: all that follow would fail, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from reasoning import Chain, Journal, Problem, Prompt, Step, event_loop, kinds
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.runs import runner
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.chain.batch import run_batch
from reasoning.chain.inputs import ChainInput
from reasoning.engine.llm import LLM
from reasoning.errors import AuthenticationFailed, CallFailed, ModelNotFound, QuotaExhausted, ReasoningError
from reasoning.messages import Completion, Request
from reasoning.problem import Example
from reasoning.strategies import ChainOfVerification, SelfConsistency, Vanilla
from reasoning.strategy import Strategy
from tests.faults.conftest import Serve
from tests.faults.server import Server, always, by_now
from tests.faults.test_faults import connect

__all__ = ["connect"]
PLACES = 16

Run = Callable[[LLM, int], tuple[ReasoningError | None, dict[str, str]]]
"""Runs a number of problems; returns what ended the run, and the state of each problem that has one."""


def question(number: int) -> str:
    return f"What is {number} + {number}?"


def benchmark(*strategies: Strategy) -> Run:
    """Return a run of the benchmark."""

    def run(llm: LLM, number: int) -> tuple[ReasoningError | None, dict[str, str]]:
        store = ResultsFolder.open(None, {"task": "t", "model": "m"}, {})
        examples = [Example(Problem(question(k), kinds.Number(), id=f"{k}"), 2 * k) for k in range(number)]
        store.add_examples(examples)
        named = {repr(strategy): strategy for strategy in strategies}
        keys = runner.missing_keys(store, list(store.examples), named)
        config = RunConfig(concurrency=PLACES)
        stopped = event_loop.run_sync(runner.run(keys, named, llm, store, config=config))
        return stopped, {f"{key.problem} {key.strategy}": result.state for key, result in store.results.items()}

    return run


def chain(llm: LLM, number: int) -> tuple[ReasoningError | None, dict[str, str]]:
    """Run a chain on inputs."""
    inner = Chain(Step("say", Prompt(input="{text}"), returns=kinds.Text(whole=True)))
    steps = Chain(Step("inner", chain=inner), Step("end", Prompt(input="{text} {inner}"), returns=kinds.Number()))
    inputs = [ChainInput(f"{k}", Problem(question(k), inputs={"text": question(k)})) for k in range(number)]
    rows: list[Any] = []
    done = run_batch(steps, inputs, llm, rows.append, concurrency=PLACES)
    return done.stopped_by, {row.input.id: row.state for row in rows}


RUNS: dict[str, Run] = {
    "benchmark": benchmark(Vanilla()),
    "votes": benchmark(SelfConsistency(Vanilla(), samples=3), Vanilla()),
    "verification": benchmark(ChainOfVerification()),
    "chain": chain,
}


@pytest.mark.parametrize("how", ["benchmark", "chain"])
@pytest.mark.parametrize("fault", ["overflow", "filter", "400"])
def test_failures_that_come_first_end_no_run_in_which_others_succeed(
    fault: str, how: str, serve: Serve, connect: Callable[..., LLM]
) -> None:
    def slow_unless_refused(body: str, attempt: int) -> str:
        is_refused = any(f"is {k} +" in body for k in range(10))
        server.latency = 0.0 if is_refused else 0.2
        return fault if is_refused else ""

    server = serve()
    server.faults = slow_unless_refused
    with connect(server, concurrency=PLACES) as llm:
        stopped, states = RUNS[how](llm, 30)
        assert stopped is None
        assert sorted(states.values()) == ["answered"] * 20 + ["failed"] * 10


@pytest.mark.parametrize("how", ["benchmark", "chain"])
@pytest.mark.parametrize("fault", ["overflow", "filter"])
def test_refusals_of_problems_end_no_run(fault: str, how: str, serve: Serve, connect: Callable[..., LLM]) -> None:
    with connect(serve(faults=always(fault)), concurrency=PLACES) as llm:
        stopped, states = RUNS[how](llm, 40)
        assert stopped is None
        assert list(states.values()) == ["failed"] * 40


@pytest.mark.parametrize("how", ["benchmark", "chain"])
def test_where_everything_fails_only_what_was_under_way_is_sent(
    how: str, serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve()

    def later_ones_are_slower(body: str, attempt: int) -> str:
        server.latency = 0.002 * len(server.asked)
        return "400"

    server.faults = later_ones_are_slower
    with connect(server, concurrency=PLACES) as llm:
        stopped, states = RUNS[how](llm, 400)
        assert isinstance(stopped, CallFailed)
        assert not stopped.ends_run
        said = str(stopped)
        assert "results all failed, the last with" in said or "inputs all failed, the last with" in said
        assert "temperature makes no sense" in said
        assert said.endswith(
            "correct the cause (the model's name, the address, the parameters of the calls), then "
            "run the same command again"
        )
        # Seven may have been followed by others before the eighth failed.
        assert PLACES <= len(server.asked) <= PLACES + 7
        assert len(states) == len(server.asked)


@pytest.mark.parametrize("how", RUNS)
@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ("quota", QuotaExhausted, "You exceeded your current quota"),
        ("401", AuthenticationFailed, "status 401"),
        ("403", AuthenticationFailed, "status 403"),
        ("404", ModelNotFound, "does not exist; check the model's name"),
    ],
)
def test_what_every_call_would_meet_ends_a_run_at_once_at_any_time(
    fault: str, error: type[CallFailed], says: str, how: str, serve: Serve, connect: Callable[..., LLM]
) -> None:
    server: Server = serve(latency=0.01)
    server.faults = lambda body, attempt: fault if len(server.asked) >= 100 else ""
    with connect(server, concurrency=PLACES) as llm:
        send, sent, raised = llm.client.complete, list[float](), list[float]()

        async def complete(request: Request, draws: Sequence[int]) -> list[Completion]:
            sent.append(time.monotonic())
            try:
                return await send(request, draws)
            except CallFailed:
                raised.append(time.monotonic())
                raise

        llm.client.complete = complete  # type: ignore[method-assign]
        stopped, states = RUNS[how](llm, 400)
        by_now(lambda: not llm.in_flight, "some are still in flight")
        time.sleep(0.05)
        assert isinstance(stopped, error)
        assert says in str(stopped)
        assert max(sent) <= raised[0]
        assert len(server.asked) <= 100 + PLACES
        assert len(llm.journal) == server.completions
        assert "failed" not in states.values()
        # The account has credit again.
        time.sleep(1)
        server.faults = lambda body, attempt: ""
        stopped, states = RUNS[how](llm, 30)
        assert stopped is None
        assert "failed" not in states.values()


def test_a_retry_that_no_caller_awaits_any_more_is_not_sent(
    serve: Serve, connect: Callable[..., LLM], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reasoning.engine.retry._BACKOFF", lambda state: 0.1)
    server: Server = serve()
    server.faults = lambda body, attempt: "500" if "is 1 +" in body else "quota" if len(server.asked) > 20 else ""
    with connect(server, concurrency=PLACES, journal=Journal()) as llm:
        stopped, _ = RUNS["benchmark"](llm, 100)
        assert isinstance(stopped, QuotaExhausted)
        by_now(lambda: not llm.limits.in_flight, "a request is under way")
        asked = len(server.asked)
        by_now(lambda: not llm.in_flight, "some are still in flight")
        assert len(server.asked) == asked
