"""The listener, the sampling parameters and the series of draws of one solve."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from reasoning import Budget, Chain, Journal, Problem, Prompt, SolveEvent, Step, kinds, strategies
from reasoning.errors import BudgetExhausted, CallFailed, UnknownName, UsageError
from reasoning.journal.maintenance import verify
from reasoning.strategies import ReAct
from reasoning.testing import ScriptedLLM

QUESTION = Problem("How many legs do two spiders have?", kinds.Number())


def watched(spec: str, replies: Any, **more: Any) -> list[SolveEvent]:
    """Return the events of a solve."""
    events: list[SolveEvent] = []
    strategies.get(spec).run(QUESTION, ScriptedLLM(replies, **more), watch=events.append)
    return events


def test_the_solve_its_stages_and_its_calls_begin_and_end() -> None:
    events = watched("plan_and_solve", ["Plan: count. The answer is 16.", "The answer is 16."])
    assert (events[0].type, events[0].path, events[0].stage) == ("stage_began", (), "plan_and_solve")
    assert (events[-1].type, events[-1].path, events[-1].usage.calls) == ("stage_ended", (), 1)
    [ended] = [event for event in events if event.type == "call_ended"]
    assert (ended.text, ended.draws, ended.usage.calls) == ("Plan: count. The answer is 16.", 1, 1)
    assert ended.seconds is not None
    assert len([event for event in events if event.type == "call_began"]) == 1


def test_events_of_concurrent_branches_have_their_path() -> None:
    def reply(messages: Any) -> str:
        return "1. How many legs has one?\n2. How many have two?" if "1." not in messages[-1].content else "16"

    events = watched("self_consistency(least_to_most, samples=2, temperature=0.7)", reply)
    began = [event.path for event in events if event.type == "stage_began"]
    ended = [event.path for event in events if event.type == "stage_ended"]
    assert sorted(began) == sorted(ended)
    branches = {path[0] for path in began if path}
    assert branches == {"sample 1", "sample 2"}
    assert {len(path) for path in began} == {0, 2}
    calls = [event for event in events if event.type in ("call_began", "call_ended")]
    assert len(calls) % 2 == 0
    total = sum(event.usage.calls for event in calls)
    assert total == events[-1].usage.calls


def test_steps_of_a_chain_are_stages() -> None:
    chain = Chain(
        Step("count", Prompt(input="How many in {text}?"), returns=kinds.Number(), max_repairs=1),
        Step("say", Prompt(input="Say {count}.")),
        name="baker",
    )
    events: list[SolveEvent] = []
    chain.run("a dozen", ScriptedLLM(["no idea", "The answer is 12.", "12"]), watch=events.append)
    shown = [(event.type, event.path) for event in events if event.type.startswith("stage")]
    assert shown == [
        ("stage_began", ()),
        *(("stage_began", ("count",)), ("stage_ended", ("count",))),
        *(("stage_began", ("say",)), ("stage_ended", ("say",))),
        ("stage_ended", ()),
    ]
    assert any(event.type == "note" and "rejected" in event.text for event in events)


def test_uses_of_tools_are_events() -> None:
    def legs(animal: str) -> str:
        """Return the number of legs of an animal."""
        return "8" if animal == "spider" else "4"

    events: list[SolveEvent] = []
    replies = ["Thought 1: I look it up.\nAction 1: legs[spider]", "Thought 2: Two have 16.\nAction 2: Finish[16]"]
    answer = ReAct(tools=(legs,)).run(QUESTION, ScriptedLLM(replies), watch=events.append)
    assert answer.value == 16
    [used] = [event for event in events if event.type == "tool_used"]
    assert used.text == "legs(animal='spider') = 8"


def test_items_of_a_step_are_parts_of_the_path() -> None:
    chain = Chain(
        Step("names", Prompt(input="List: {text}"), returns=kinds.Items()),
        Step("said", Prompt(input="Say {name}."), for_each="name in names"),
    )
    events: list[SolveEvent] = []
    chain.run(
        "x", ScriptedLLM(lambda messages: "red; blue" if "List" in messages[-1].content else "a"), watch=events.append
    )
    calls = [event.path for event in events if event.type == "call_ended"]
    assert sorted(calls) == [("names",), ("said", "item 1"), ("said", "item 2")]


def test_recorded_draws_are_no_expense() -> None:
    llm = ScriptedLLM(["The answer is 16."])
    events: list[SolveEvent] = []
    for _ in range(2):
        strategies.get("cot").run(QUESTION, llm, watch=events.append)
    ended = [event for event in events if event.type == "call_ended"]
    assert [(event.usage.calls, event.spent.calls) for event in ended] == [(1, 1), (1, 0)]


def test_a_failed_call_ends_with_its_error() -> None:
    events = watched("cot", [CallFailed("gone")])
    assert [event.error for event in events if event.type == "call_ended"] == ["gone"]
    assert events[-1].path == ()


def test_a_stage_that_an_exhausted_budget_ends_says_so() -> None:
    events: list[SolveEvent] = []
    with pytest.raises(BudgetExhausted):
        strategies.get("cot").run(QUESTION, ScriptedLLM(["16"], budget=Budget(calls=0)), watch=events.append)
    assert events[-1].type == "stage_ended"
    assert "budget" in events[-1].error


def test_an_exception_in_a_listener_is_an_error_that_names_it_after_the_solve() -> None:
    seen = []

    def break_down(event: SolveEvent) -> None:
        seen.append(event)
        raise ValueError("no display")

    llm = ScriptedLLM(lambda messages: "The answer is 16.")
    vote = strategies.get("self_consistency(least_to_most, samples=3)")
    with pytest.raises(
        UsageError, match=r"watch: .*break_down raised ValueError: no display; .* costs nothing"
    ) as caught:
        vote.run(QUESTION, llm, watch=break_down)
    assert isinstance(caught.value.__cause__, ValueError)
    assert len(seen) == 1
    calls = llm.calls
    answer = vote.run(QUESTION, llm)
    assert (answer.value, llm.calls) == (16, calls)


def test_a_listener_of_a_chain_cannot_make_a_step_fail() -> None:
    chain = Chain(Step("count", Prompt(input="How many in {text}?"), returns=kinds.Number()))
    llm = ScriptedLLM(["The answer is 12."])
    with pytest.raises(UsageError, match="ZeroDivisionError"):
        chain.run("a dozen", llm, watch=lambda event: 1 / 0)  # type: ignore[arg-type,return-value]
    assert chain.run("a dozen", llm).value == 12


def test_an_asynchronous_listener_is_refused() -> None:
    async def listen(event: SolveEvent) -> None: ...

    with pytest.raises(UsageError, match=r"must be a plain function, got .*listen, which is asynchronous"):
        strategies.get("cot").run(QUESTION, ScriptedLLM([]), watch=listen)  # type: ignore[arg-type]


def test_events_reach_another_event_loop() -> None:
    async def solve() -> list[str]:
        loop, queue = asyncio.get_running_loop(), asyncio.Queue[SolveEvent]()
        await strategies.get("cot").arun(
            QUESTION,
            ScriptedLLM(["The answer is 16."]),
            watch=lambda event: loop.call_soon_threadsafe(queue.put_nowait, event),
        )
        return [(await queue.get()).type for _ in range(4)]

    assert asyncio.run(solve())[0] == "stage_began"


def test_sampling_overrides_the_model_and_not_the_technique() -> None:
    llm = ScriptedLLM(lambda messages: "The answer is 16.", temperature=0.2)
    strategies.get("cot").run(QUESTION, llm, sampling={"temperature": 0.9, "seed": 7})
    strategies.get("self_consistency(cot, samples=2, temperature=0.5)").run(
        QUESTION, llm, sampling={"temperature": 0.9}
    )
    strategies.get("cot").run(QUESTION, llm)
    assert [request.sampling["temperature"] for request in llm.requests] == [0.9, 0.5, 0.2]
    assert llm.requests[0].sampling["seed"] == 7
    with pytest.raises(UnknownName, match="unknown setting 'temprature' of run; did you mean 'temperature'"):
        strategies.get("cot").run(QUESTION, llm, sampling={"temprature": 1})


def test_a_series_has_draws_of_its_own_and_repeats_them(tmp_path: Path) -> None:
    numbers = iter(range(100))

    def ask(series: str | None, file: Path) -> Any:
        with ScriptedLLM(lambda messages: f"The answer is {next(numbers)}.", journal=Journal(file)) as llm:
            return strategies.get("cot").run(QUESTION, llm, series=series).value

    file = tmp_path / "journal.sqlite"
    assert [ask(series, file) for series in (None, "a", "b", "a", None, "b")] == [0, 1, 2, 1, 0, 2]
    assert list(verify(file)) == []


@pytest.mark.parametrize("series", ["", 7])
def test_a_series_must_have_a_name(series: Any) -> None:
    with pytest.raises(UsageError, match="series must be a name"):
        strategies.get("cot").run(QUESTION, ScriptedLLM([]), series=series)
