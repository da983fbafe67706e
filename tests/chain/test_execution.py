"""Control flow: lists, branches, gates, joins, chains within chains, strategies and functions as steps."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from reasoning import (
    Answer,
    Chain,
    Failed,
    Journal,
    Problem,
    Prompt,
    Session,
    Step,
    Strategy,
    connect,
    kinds,
    technique,
)
from reasoning.chain.lint import lint
from reasoning.errors import CallFailed, PromptRefused, UsageError
from reasoning.messages import Message
from reasoning.testing import ReplayLLM, ScriptedLLM
from tests.faults.server import Server

WHOLE = kinds.Text(whole=True)


def ask(text: str, name: str = "step", **more: Any) -> Step:
    """A step that takes the whole reply unless told otherwise."""
    return Step(name, Prompt(input=text), **{"returns": WHOLE, **more})


LIST = ask("list: {text}", "claims", returns=kinds.Items())
EACH = ask("check: {claim}", "checks", for_each="claim in claims", concurrency=2)


def test_a_step_over_each_item_keeps_the_order_and_the_bound() -> None:
    def say(turns: tuple[Message, ...]) -> str:
        text = turns[-1].content
        return "a; b; c; d; e" if text.startswith("list") else text.removeprefix("check: ").upper()

    llm = ScriptedLLM(say, latency=0.01)
    answer = Chain(LIST, EACH, ask("all: {checks}", "all")).run("?", llm)
    assert answer.steps["checks"] == ("A", "B", "C", "D", "E")
    assert llm.peak_concurrency == 2
    assert llm.prompts[-1] == "user: all: 1. A\n2. B\n3. C\n4. D\n5. E"


def test_the_bound_does_not_change_what_is_drawn() -> None:
    def drawn(at_once: int) -> set[tuple[str, int]]:
        llm = ScriptedLLM(lambda turns: "a; b; a" if "list" in turns[-1].content else "x")
        chain = Chain(LIST, ask("check: {claim}", "checks", for_each="claim in claims", concurrency=at_once))
        return draws(chain.run("?", llm))

    assert drawn(1) == drawn(2) == drawn(9)
    assert len(drawn(1)) == 4  # the two that are equal are checked independently of each other


def draws(answer: Answer) -> set[tuple[str, int]]:
    """Which draws an answer used."""
    assert answer.trace is not None
    return {(draw.key, draw.draw) for call in answer.trace.calls() for draw in call.completions}


def test_an_item_that_stays_refused_ends_the_chain_as_that_step_and_item() -> None:
    def say(turns: tuple[Message, ...]) -> str:
        text = turns[0].content
        return "fine; odd; fine too" if "list" in text else "no number" if "odd" in text else "The answer is 4."

    chain = Chain(LIST, ask("check: {claim}", "checks", for_each="claim in claims", returns=kinds.Number()))
    llm = ScriptedLLM(say)
    answer = chain.run("?", llm)
    assert answer.state == "unparsed"
    assert answer.reason.startswith("step 'checks, item 2 (odd)': ")
    assert answer.steps == {"claims": ("fine", "odd", "fine too")}
    assert llm.calls == 1 + 1 + 2 + 1  # the others are done, and in the journal


def test_json_lists_and_objects_are_lists_of_items() -> None:
    def say(turns: tuple[Message, ...]) -> str:
        return '[{"a": 1}, {"a": 2}]' if turns[-1].content == "list: ?" else turns[-1].content

    listed = ask("list: {text}", "claims", returns=kinds.Json(shape="array"))
    assert Chain(listed, EACH).run("?", ScriptedLLM(say)).steps["checks"] == ('check: {"a": 1}', 'check: {"a": 2}')


def test_an_empty_list_needs_no_call() -> None:
    listed = ask("list: {text}", "claims", returns=kinds.Items(empty="none"))
    llm = ScriptedLLM(["none"])
    assert Chain(listed, EACH).run("?", llm).value == ()
    assert llm.calls == 1


MOOD = ask("mood of {text}", "mood", returns=kinds.Label(("glad", "angry", "calm")))
THANK, SORRY = (
    ask("thank {text}", "thank", only_if={"mood": "glad"}),
    ask("sorry {text}", "sorry", only_if={"mood": "angry"}),
)
BRANCHES = Chain(MOOD, THANK, SORRY, Step("reply", first_of=("thank", "sorry")), ask("sign {reply}", "signed"))


@pytest.mark.parametrize(
    ("mood", "ran", "left"),
    [("glad", "thank", "sorry"), ("angry", "sorry", "thank")],
)
def test_a_branch_on_a_label_and_the_paths_joined(mood: str, ran: str, left: str) -> None:
    llm = ScriptedLLM(lambda turns: mood if turns[-1].content.startswith("mood") else f"<{turns[-1].content}>")
    answer = BRANCHES.run("t", llm)
    assert answer.value == f"<sign <{ran} t>>"
    assert list(answer.steps) == ["mood", ran, "reply", "signed"]
    assert llm.calls == 3
    assert f"{left}: not run: mood is {mood}" in str(answer.trace.to_json())  # type: ignore[union-attr]


def test_where_no_branch_was_run_there_is_no_value_and_it_says_why() -> None:
    answer = BRANCHES.run("t", ScriptedLLM(["calm"]))
    assert answer.state == "unparsed"
    assert answer.reason == "step 'signed' was not run: reply was not run"
    assert answer.steps == {"mood": "calm"}


def test_a_gate_begins_again_with_fresh_draws_and_says_what_was_refused() -> None:
    def long_enough(value: str) -> str | None:
        return None if len(value) > 5 else "Longer."

    gate = ask("write {topic} {previous} {error}", "text", check=long_enough, max_repairs=0, max_attempts=3)
    llm = ScriptedLLM(["one", "two", "three four"])
    answer = Chain(gate).run("tea", llm)
    assert answer.value == "three four"
    assert [one.strip() for one in llm.prompts] == [
        "user: write tea",
        "user: write tea one Longer.",
        "user: write tea two Longer.",
    ]
    same = ask("write {topic}", "text", check=long_enough, max_repairs=0, max_attempts=3)
    llm = ScriptedLLM(["one", "two", "six", "late"])
    answer = Chain(same).run("tea", llm)
    assert answer.reason == "step 'text': Longer."
    assert llm.calls == 3
    assert sorted(draw for _, draw in draws(answer)) == [0, 1, 2]


def verdict_is_good(value: Any, before: Mapping[str, Any]) -> str | None:
    return None if before["write.verdict"] == "good" else f"A reader called it {before['write.verdict']}."


def test_a_chain_within_a_chain_repeated_until_a_judge_in_it_accepts() -> None:
    write = Chain(
        ask("draft {topic} {error}", "draft"),
        ask("judge {draft}", "verdict", returns=kinds.Label(("good", "bad"))),
        Step("result", first_of=("draft",)),
        name="write",
    )
    outer = Chain(ask("topic of {text}", "topic"), Step("write", chain=write, max_attempts=3, check=verdict_is_good))
    llm = ScriptedLLM(["tea", "first", "bad", "second", "good"])
    answer = outer.run("?", llm)
    assert answer.value == "second"
    assert list(answer.steps) == ["topic", "write.draft", "write.verdict", "write.result", "write"]
    assert llm.prompts[3] == "user: draft tea A reader called it bad."
    assert llm.calls == 5
    assert outer.input_names == {"text"}


@pytest.mark.parametrize("error", [PromptRefused("too long"), CallFailed("busy"), CallFailed("odd", retryable=True)])
def test_a_failed_call_of_an_inner_step_stays_what_it_was(error: CallFailed) -> None:
    @technique(title="Fails", calls="0")
    class Fails(Strategy):
        """Fail."""

        async def solve(self, problem: Problem, session: Session) -> Answer:
            raise error

    first = Step("first", function=lambda text: "one", reads=("text",))
    inner = Chain(first, ask("b {first}", "second", strategy=Fails()))
    answer = Chain(Step("inner", chain=inner)).run("?", ScriptedLLM([]))
    assert isinstance(answer, Failed)
    assert answer.error == f"step 'inner': step 'second': {error}"
    assert (answer.refused, answer.retryable) == (isinstance(error, PromptRefused), error.retryable)
    assert answer.steps == {"inner.first": "one"}


def test_an_inner_step_that_fails_is_named_with_what_came_before_it() -> None:
    inner = Chain(ask("a {text}", "first"), ask("b {first}", "second", returns=kinds.Number(), max_repairs=0))
    answer = Chain(Step("inner", chain=inner)).run("?", ScriptedLLM(["one", "no number"]))
    assert answer.reason.startswith("step 'inner': step 'second': ")
    assert answer.steps == {"inner.first": "one"}


def test_a_strategy_answers_a_step() -> None:
    step = ask("How many {things}?", "count", returns=kinds.Number(), strategy="self_consistency(cot, samples=3)")
    llm = ScriptedLLM(["The answer is 3.", "The answer is 4.", "The answer is 3."])
    answer = Chain(step).run("cups", llm)
    assert answer.value == 3
    assert len(llm.requests) == 1
    assert "How many cups?" in llm.prompts[0]
    assert "step by step" in llm.prompts[0]
    refused = Chain(
        ask(
            "How many {things}?",
            "count",
            strategy="vanilla",
            check=lambda value: "Three, please." if value != 3 else None,
            returns=kinds.Number(),
        )
    )
    llm = ScriptedLLM(["4", "3"])
    assert refused.run("cups", llm).value == 3
    assert "An earlier answer:\n4" in llm.prompts[1]
    assert "Three, please." in llm.prompts[1]


def test_a_strategy_of_ones_own_needs_no_name() -> None:
    @technique(title="Shout", calls="1")
    class Shout(Strategy):
        """Ask loudly."""

        async def solve(self, problem: Problem, session: Session) -> Answer:
            return problem.parse(await session.ask(problem.question.upper()))

    llm = ScriptedLLM(["yes"])
    Chain(ask("why {q}", strategy=Shout())).run("tea", llm)
    assert llm.prompts == ["user: WHY TEA"]


def test_a_function_is_a_step_and_does_not_stop_the_others() -> None:
    here: list[int] = []

    def merged(claims: tuple[str, ...], notes: str) -> tuple[str, ...]:
        here.append(threading.get_ident())
        return (*claims, notes.strip())

    chain = Chain(
        LIST, ask("note {text}", "notes"), Step("merged", function=merged, returns=kinds.Items()), ask("{merged}")
    )
    llm = ScriptedLLM(lambda turns: "a; b" if "list" in turns[-1].content else " c ")
    answer = chain.run("?", llm)
    assert answer.steps["merged"] == ("a", "b", "c")
    assert "user: a; b; c" in llm.prompts
    assert here != [threading.get_ident()]

    async def slowly(text: str) -> str:
        await asyncio.sleep(0)
        return text * 2

    assert Chain(Step("twice", function=slowly)).run("ab", ScriptedLLM([])).value == "abab"


def test_a_check_that_raises_is_named_with_its_line() -> None:
    def count(value: str, before: Mapping[str, Any]) -> None:
        json.loads(value)

    answer = Chain(Step("a", Prompt(input="{text}"), check=count)).run("?", ScriptedLLM(["Answer: x"]))
    assert answer.state == "failed"
    assert re.fullmatch(
        r"step 'a': its check raised JSONDecodeError: Expecting value.* \(test_execution\.py, line \d+\)", answer.reason
    )


def test_a_function_that_raises_or_gives_nothing_fails_as_its_step() -> None:
    def broken(text: str) -> str:
        raise KeyError("price")

    answer = Chain(Step("a", function=broken)).run("?", ScriptedLLM([]))
    assert answer.state == "failed"
    assert re.fullmatch(r"step 'a': KeyError: 'price' \(test_execution\.py, line \d+\)", answer.reason)
    answer = Chain(Step("a", function=lambda text: None)).run("?", ScriptedLLM([]))
    assert answer.state == "unparsed"
    assert "gave nothing" in answer.reason


def test_a_chain_within_gives_what_its_last_step_gives() -> None:
    json_in = Chain(ask("a {text}", "found", returns=kinds.Json(shape="array")))
    items_in = Chain(ask("b {text}", "list", returns=kinds.Items()))
    outer = Chain(
        Step("data", chain=json_in),
        Step("items", chain=items_in),
        ask("c {one}", "each", for_each="one in items"),
        ask("{data} | {items} | {each}", "last"),
    )
    assert lint(outer) == []
    llm = ScriptedLLM(lambda turns: {"a": '["x", null]', "b": "p; q"}.get(turns[-1].content[0], turns[-1].content))
    assert outer.run("?", llm).value == '["x", null] | p; q | 1. c p\n2. c q'
    many = Chain(Step("lists", chain=items_in, rename={"text": "one"}, for_each="one in ones"), ask("{lists}"))
    assert many.run("u;v", ScriptedLLM(["p; q", "r", "s"])).state == "unparsed"  # a text is no list
    said = [str(one) for one in lint(Chain(Step("data", chain=json_in, returns=kinds.Items())))]
    assert said == ["step 'data': error: the inner chain gives JSON, not items: leave returns out"]
    wrong = Chain(Step("data", chain=Chain(ask("{text}")), returns=kinds.Label(("red", "green"))))
    assert wrong.run("?", ScriptedLLM(["purple"])).reason == (
        "step 'data': the inner chain gave 'purple' is not one of the labels red, green"
    )


COLOUR = kinds.Label(("red", "green"))
SCHEMA = kinds.Json(schema={"type": "object", "required": ["a"]})


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (COLOUR, "purple", "'purple' is not one of the labels red, green"),
        (SCHEMA, {"b": 1}, "The JSON does not fit"),
        (SCHEMA, [{"a": 1}], "is no JSON object"),
        (kinds.Json(), {"a": {1}}, "is no JSON: Object of type set"),
        (kinds.YesNo(), "perhaps", "is neither yes nor no"),
        (kinds.Text(), 5, "5 is not a text"),
        (kinds.Items(), 5, "5 is not a list of texts"),
    ],
)
def test_a_value_that_no_reply_gave_is_held_to_its_kind(kind: kinds.Kind, value: Any, says: str) -> None:
    given = Chain(Step("n", function=lambda text: value, returns=kind)).run("?", ScriptedLLM([]))
    assert given.state == "unparsed"
    assert says in given.reason
    refuse = {"check": lambda value: "No.", "max_repairs": 0}
    said = {"label": "red", "json": '{"a": 1}', "yesno": "yes", "text": "a", "items": "a"}[kind.name]
    mended = Chain(ask("{q}", returns=kind, fallback=lambda refused, before: value, **refuse))
    answer = mended.run("?", ScriptedLLM([said]))
    assert answer.state == "unparsed"
    assert answer.reason.startswith("step 'step': No. And the fallback gave ")
    assert says in answer.reason
    empty = Chain(ask("{q}", returns=kind, if_empty=value), inputs={"q": kinds.Items(empty="none")})
    assert says in str(lint(empty)[0])
    assert says in empty.run(Problem("?", inputs={"q": []}), ScriptedLLM([])).reason


@pytest.mark.parametrize(
    ("kind", "value", "held"),
    [
        (COLOUR, "Red", "red"),
        (kinds.Json(shape="any"), ({"a": (1,)},), [{"a": [1]}]),
        (kinds.Json(), "{}", {}),
        (SCHEMA, {"a": "</think>"}, {"a": "</think>"}),
        (kinds.Items(), [], ()),
        (kinds.Items(), ["a", "b"], ("a", "b")),
        (kinds.Text(), "", ""),
        (kinds.Number(), 2.5, 2.5),
    ],
)
def test_a_value_of_a_function_is_what_its_kind_has(kind: kinds.Kind, value: Any, held: Any) -> None:
    assert Chain(Step("n", function=lambda text: value, returns=kind)).run("?", ScriptedLLM([])).value == held


def test_a_function_that_raises_one_of_our_errors_ends_as_its_step() -> None:
    def broken(*values: Any, **named: Any) -> Any:
        raise UsageError("no such price")

    first = ask("a {text}", "first")
    for step in (
        Step("b", function=broken, reads=("first",)),
        ask("{first}", "b", check=lambda value, before: broken(value)),
        ask("{first}", "b", check=lambda value: "No.", max_repairs=0, fallback=broken),
    ):
        answer = Chain(first, step).run("?", ScriptedLLM(lambda turns: "said"))
        assert (answer.state, answer.reason) == ("failed", "step 'b': no such price")
        assert answer.steps == {"first": "said"}
    inner = Chain(ask("a {text}", "first"), Step("b", function=broken, reads=("first",)))
    answer = Chain(Step("inner", chain=inner)).run("?", ScriptedLLM(["said"]))
    assert (answer.reason, answer.steps) == ("step 'inner': step 'b': no such price", {"inner.first": "said"})


def test_a_call_that_fails_keeps_what_does_not_depend_on_it() -> None:
    chain = Chain(
        ask("a {text}", "left"), ask("b {text}", "right"), ask("c {right}", "far"), ask("{left} {far}", "both")
    )

    def say(turns: tuple[Message, ...]) -> str | Exception:
        return CallFailed("the server said no") if turns[-1].content == "a ?" else turns[-1].content

    answer = chain.run("?", ScriptedLLM(say))
    assert (answer.state, answer.reason) == ("failed", "step 'left': the server said no")
    assert answer.steps == {"right": "b ?", "far": "c b ?"}


def test_validators_of_every_sort() -> None:
    from tests.chain.functions import Verdict, short

    schema = {"type": "object", "properties": {"claim": {"type": "string"}}, "required": ["claim"]}
    step = ask("{q}", returns=kinds.Json(), check=(schema, Verdict, lambda value, before: None if before["q"] else "?"))
    llm = ScriptedLLM(['{"a": 1}', '{"claim": "x", "sure": "very"}', '{"claim": "x", "sure": 1}'])
    answer = Chain(Step(**{**vars_of(step), "max_repairs": 2})).run("?", llm)
    assert answer.value == {"claim": "x", "sure": 1}
    assert '"claim" are missing' in llm.requests[1].messages[-1].content
    assert "at $.sure" in llm.requests[2].messages[-1].content
    word = ask("{q}", check=(short, kinds.Label(("red", "blue"))))
    llm = ScriptedLLM(["green", "blue"])
    assert Chain(word).run("?", llm).value == "blue"
    assert llm.calls == 2
    with pytest.raises(UsageError, match="a validator must be a function"):
        ask("{q}", check=3)


def vars_of(step: Step) -> dict[str, Any]:
    from dataclasses import fields

    return {field.name: getattr(step, field.name) for field in fields(step)}


def test_what_a_check_sees_does_not_depend_on_what_came_back_first() -> None:
    seen: list[set[str]] = []

    def look(value: Any, before: Mapping[str, Any]) -> str | None:
        seen.append(set(before))
        return None

    chain = Chain(ask("a {text}", "left"), ask("b {text}", "mid"), ask("c {mid}", "right", check=look))
    chain.run("?", ScriptedLLM(lambda turns: turns[-1].content))
    assert seen == [{"text", "mid"}]


def test_a_steps_draws_depend_on_the_step_alone() -> None:
    """A chain that is changed elsewhere, a step alone, another order: nothing is bought again."""
    journal = Journal()
    first, second = ask("a {text}", "first"), ask("b {text}", "second")
    third = ask("{first} {second}", "third")

    def say(turns: tuple[Message, ...]) -> str:
        return turns[-1].content[:1]

    Chain(first, second, third).run("?", ScriptedLLM(say, journal=journal))
    for steps in [(second, first, third), (ask("z {text}", "new", keep=True), first, second, third), (second,)]:
        llm = ScriptedLLM(say, journal=journal)
        Chain(*steps).run("?", llm)
        assert llm.calls == sum(step.name == "new" for step in steps)


def test_steps_that_ask_the_same_are_independent() -> None:
    twins = [ask("guess {text}", name) for name in ("one", "two", "three")]
    llm = ScriptedLLM(["a", "b", "c"])
    answer = Chain(*twins).run("?", llm)
    assert sorted(answer.steps.values()) == ["a", "b", "c"]
    assert sorted(draw for _, draw in draws(answer)) == [0, 1, 2]


def test_a_model_for_one_step(tmp_path: Any) -> None:
    recording = tmp_path / "recorded.jsonl"
    recording.write_text('{"question": "big question", "samples": ["from another model"]}\n')
    chain = Chain(ask("big {text}", "a", model=f"replay:{recording}"), ask("small {a}", "b"))
    llm = ScriptedLLM(["done"])
    answer = chain.run("question", llm)
    assert answer.steps == {"a": "from another model", "b": "done"}
    assert len(llm.journal) == 2


def test_a_test_model_answers_for_every_name(tmp_path: Any) -> None:
    twins = [ask("guess {text}", "a", model="openai/gpt-4o"), ask("guess {text}", "b", model="m2"), ask("{a} {b}")]
    llm = ScriptedLLM(["one", "two", "three"])
    assert sorted(Chain(*twins).run("?", llm).steps.values()) == ["one", "three", "two"]
    assert [one.model for one in llm.requests] == ["openai/gpt-4o", "m2", "scripted"]
    assert llm.calls == 3
    (tmp_path / "said.jsonl").write_text('{"question": "guess ?", "samples": ["played"]}\n')
    assert Chain(twins[0]).run("?", ReplayLLM(tmp_path / "said.jsonl")).value == "played"


def test_a_name_without_a_provider_is_a_model_of_the_same_server() -> None:
    asked: list[dict[str, Any]] = []

    def heard(body: str, attempt: int) -> str:
        asked.append(json.loads(body))
        return ""

    with (
        Server(say=lambda prompt, nth, place: prompt, faults=heard) as server,
        connect("m1", base_url=server.url, api_key="k", max_tokens=77, journal=False) as llm,
    ):
        answer = Chain(ask("a {text}", "a", model="m2:8b"), ask("b {a}", "b")).run("?", llm)
        assert llm.total_usage.calls == 2
        assert llm.usage.calls == 1
    assert answer.value == "b a ?"
    assert [one.authorization for one in server.asked] == ["Bearer k", "Bearer k"]
    assert [(one["model"], one["max_tokens"]) for one in asked] == [("m2:8b", 77), ("m1", 77)]


def test_an_input_with_a_kind_is_read_by_it() -> None:
    chain = Chain(ask("check: {claim}", "checks", for_each="claim in claims"), inputs={"claims": kinds.Items()})
    llm = ScriptedLLM(lambda turns: turns[-1].content[-1])
    assert chain.run("x; y", llm).value == ("x", "y")
    assert chain.run(Problem("?", inputs={"claims": ["p", "q"]}), llm).value == ("p", "q")  # type: ignore[dict-item]
    with pytest.raises(UsageError, match="the input 'claims' of the chain 'chain'"):
        chain.run("", llm)


async def later(value: Any, before: Any) -> None: ...


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"first_of": ("x",), "max_repairs": -1}, "max_repairs must be a whole number of at least 0, got -1"),
        ({"first_of": ("x",), "max_attempts": 2}, "first_of takes a value as it is"),
        ({"strategy": "cot", "function": len, "reads": ("x",)}, "strategy needs a prompt"),
        ({}, "got none"),
        ({"prompt": Prompt(input="{x}"), "check": later}, "a check must be a plain function, got the async later"),
        ({"prompt": Prompt(input="{x}"), "fallback": later}, "fallback must be a plain function"),
    ],
)
def test_steps_that_make_no_sense(step: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Step("a", **step)


def test_names_that_nothing_provides_and_circles() -> None:
    takes = {"text": WHOLE}
    with pytest.raises(UsageError, match=r"step 'b': nothing provides \{frist\}; did you mean \{first\}"):
        Chain(ask("{text}", "first"), ask("{frist}", "b"), inputs=takes)
    with pytest.raises(UsageError, match="'text' is an input and a step"):
        Chain(ask("{text}", "text2"), ask("{text2}", "text"), inputs=takes)
    with pytest.raises(UsageError, match="step 'a' depends on 'c', which depends on 'b', which depends on 'a'"):
        Chain(ask("{c}", "a"), ask("{a}", "b"), ask("{b}", "c"))
    with pytest.raises(UsageError, match="'a' depends on itself"):
        Chain(ask("{a}", "a"))
