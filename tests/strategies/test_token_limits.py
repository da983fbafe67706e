"""The limits on tokens of every technique: room for reasoning, the user's limit, and limits of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from technique_pages.worked_examples import ExampleSolve, example_for

import reasoning as r
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.model_traits import ModelTraits
from reasoning.registry import places
from reasoning.strategy import Strategy
from reasoning.testing import ScriptedLLM
from tests.strategies.test_hostile import babbling

ROOM = ModelTraits().thinking_tokens


@pytest.fixture(params=places())
def case(request: pytest.FixtureRequest) -> ExampleSolve:
    return example_for(request.param)


def requests(case: ExampleSolve, model: str, **sampling: int) -> list[Request]:
    """Return every request of some solves of the example."""
    made = []
    for seed in range(3):
        llm = ScriptedLLM(babbling(f"{seed} {case.strategy}"), max_n=1, **sampling)
        case.strategy.run(case.problem, llm.sibling(model))
        made += llm.requests
    return made


def own_limits(strategy: Strategy) -> Iterator[int]:
    """Yield the limits that are parameters of a technique, or of a strategy in it."""
    for name, value in strategy.parameters():
        if isinstance(value, Strategy):
            yield from own_limits(value)
        elif name.endswith("_tokens"):
            yield value


def test_every_call_to_a_model_that_reasons_has_room_for_it(case: ExampleSolve) -> None:
    assert all(request.max_tokens > ROOM for request in requests(case, "gpt-oss:20b"))
    assert all(request.max_tokens == 30_000 for request in requests(case, "gpt-oss:20b", max_tokens=30_000))


def test_the_limit_of_the_user_reaches_every_call_without_a_limit_of_its_own(case: ExampleSolve) -> None:
    allowed = {3_000, *own_limits(case.strategy)}
    assert {request.max_tokens for request in requests(case, "plain", max_tokens=3_000)} <= allowed


def test_vanilla_is_short_on_other_models() -> None:
    llm = ScriptedLLM(["2"], max_tokens=3_000)
    r.strategies.get("vanilla").run(r.Problem("1 + 1?", r.kinds.Number()), llm)
    assert llm.requests[0].sampling["max_tokens"] == 64


@pytest.mark.parametrize("spec", ["vanilla", "self_consistency(vanilla, samples=3)", "cot", "program_of_thoughts"])
@pytest.mark.parametrize("text", ["", "<think>Let me see."])
def test_a_reply_of_reasoning_alone_is_told_as_what_it_is(spec: str, text: str) -> None:
    llm = ScriptedLLM(lambda messages: Completion(text, "length", Usage(1, 5, 64)), max_tokens=64)
    answer = r.strategies.get(spec).run(r.Problem("1 + 1?", r.kinds.Number()), llm)
    assert answer.state == "unparsed"
    assert "the limit of 64 tokens was used up by thinking" in answer.reason


def test_a_reply_that_was_cut_off_in_its_text_is_not_said_to_be_reasoning() -> None:
    llm = ScriptedLLM([Completion("<think>2</think> One and one are", "length", Usage(1, 5, 64))])
    answer = r.strategies.get("vanilla").run(r.Problem("1 + 1?", r.kinds.Number()), llm)
    assert answer.reason == "nothing found, and the reply was cut off"
