"""The inputs of a chain by name, from Python."""

from __future__ import annotations

import asyncio

import pytest

from reasoning import Chain, Problem, Prompt, Step, kinds, strategies
from reasoning.errors import UsageError
from reasoning.testing import ScriptedLLM

ONE = Chain(Step("reply", Prompt(input="Reply: {text}")), name="one")
TWO = Chain(Step("reply", Prompt(input="{language}: {text}")), name="two")
BOTH = {"text": "Too slow.", "language": "French"}


def llm() -> ScriptedLLM:
    return ScriptedLLM(lambda turns: f"Answer: {turns[-1].content}")


def test_a_mapping_and_names_give_the_inputs() -> None:
    model = llm()
    answers = [TWO.run(BOTH, model), TWO.run(llm=model, **BOTH), TWO.run(Problem("?", inputs=BOTH), model)]
    answers += [asyncio.run(TWO.arun(BOTH, model)), asyncio.run(TWO.arun(llm=model, **BOTH))]
    assert {answer.value for answer in answers} == {"French: Too slow"}
    assert set(model.prompts) == {"user: French: Too slow."}
    assert model.calls == 1


def test_many_inputs_by_name() -> None:
    model = llm()
    inputs = [{**BOTH, "language": "German"}, BOTH]
    for answers in (TWO.map(inputs, model), asyncio.run(TWO.amap(inputs, model))):
        assert [answer.value for answer in answers] == ["German: Too slow", "French: Too slow"]
    assert [answer.value for answer in ONE.map(["a", {"text": "b"}], model)] == ["Reply: a", "Reply: b"]


def test_a_name_like_an_argument_is_given_in_a_mapping() -> None:
    chain = Chain(Step("reply", Prompt(input="{problem} {budget}")))
    assert chain.run({"problem": "a", "budget": "b"}, llm()).value == "a b"


def test_values_are_coerced_to_the_kinds_of_the_inputs() -> None:
    chain = Chain(Step("reply", Prompt(input="{n}")), inputs={"n": kinds.Number()})
    assert chain.run(n="7", llm=llm()).value == "7"
    with pytest.raises(UsageError, match="the input 'n' of the chain 'chain'"):
        chain.run(n="seven-ish", llm=llm())


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"text": "a", "langage": "b"}, "unknown input 'langage' of the chain 'two'; did you mean 'language'?"),
        ({"text": "a"}, r"the chain 'two' needs the input 'language', got text: run\(language=…, text=…, llm=…\)$"),
        ({}, "the chain 'two' needs the input 'language', got none"),
        ({**BOTH, "concurency": 3}, "unknown input 'concurency' of the chain 'two'; known: language, text"),
    ],
)
def test_a_missing_or_unknown_input_is_named_before_any_call(inputs: dict[str, str], message: str) -> None:
    model = llm()
    calls = (
        lambda: TWO.run(inputs, model),
        lambda: TWO.run(llm=model, **inputs),
        lambda: TWO.map([BOTH, inputs], model),
        lambda: asyncio.run(TWO.arun(inputs, model)),
    )
    for call in calls:
        with pytest.raises(UsageError, match=message.replace("?", r"\?")):
            call()
    assert model.calls == 0


def test_what_else_is_wrong_with_a_call_is_told() -> None:
    with pytest.raises(UsageError, match=r"give either a text, a problem or a mapping, or inputs by name \(language\)"):
        TWO.run("Too slow.", llm(), language="French")
    with pytest.raises(UsageError, match=r"the chain 'two' needs a model: llm=connect\('local'\)"):
        TWO.run(**BOTH)
    with pytest.raises(UsageError, match="only a chain takes its inputs by name"):
        strategies.get("cot").run({"question": "Who?"}, llm())  # type: ignore[arg-type]
    for one in ("Too slow.", BOTH, Problem("?", inputs=BOTH)):
        with pytest.raises(
            UsageError, match=r"map takes a list of problems, got one problem; write map\(\[.*\], llm\)"
        ):
            TWO.map(one, llm())  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="must be a text, got int"):
        strategies.get("cot").run(7, llm())  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["itemz", "items", "Itemz", kinds.Items, 7, None])
def test_a_wrong_kind_fails_where_it_is_written_with_the_nearest(value: object) -> None:
    with pytest.raises(UsageError, match="step 'issues': returns must be a kind such as kinds") as caught:
        Step("issues", Prompt(input="{text}"), returns=value)  # type: ignore[arg-type]
    assert ("did you mean kinds.Items(…)?" in str(caught.value)) == (value not in (7, None))
    with pytest.raises(UsageError, match="the input 'text' must be a kind"):
        Chain(Step("a", Prompt(input="{text}")), inputs={"text": value})  # type: ignore[dict-item]


def test_a_wrong_kind_of_a_problem_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"must be a kind .* got 'nubmer'; did you mean kinds\.Number\(…\)\?"):
        Problem("How many?", "nubmer")  # type: ignore[arg-type]


def test_a_list_of_steps_is_told() -> None:
    with pytest.raises(UsageError, match="a chain takes its steps one by one"):
        Chain([Step("a", Prompt(input="{text}"))])  # type: ignore[arg-type]


def test_a_bare_text_for_several_inputs_and_names_of_arguments_show_the_call() -> None:
    with pytest.raises(
        UsageError, match=r"needs the input 'language', got one text: run\(language=…, text=…, llm=…\)$"
    ):
        TWO.run("a", llm())
    chain = Chain(Step("reply", Prompt(input="{problem} {budget}")))
    with pytest.raises(
        UsageError, match=r"needs the input 'budget', got problem: run\({'budget': …, 'problem': …}, llm\)"
    ):
        chain.run({"problem": "a"}, llm())


def test_a_misspelled_placeholder_is_recognized_by_the_step_that_it_resembles() -> None:
    chain = Chain(Step("issues", Prompt(input="{text}")), Step("reply", Prompt(input="{isues}")))
    with pytest.raises(UsageError, match=r"needs the input 'isues', got text: .*; or did step 'reply' mean {issues}\?"):
        chain.run(text="a", llm=llm())


def test_no_value_is_no_input() -> None:
    with pytest.raises(UsageError, match="the input 'text' of the chain 'chain' must have a value, got None"):
        Chain(Step("reply", Prompt(input="{text}"))).run(text=None, llm=llm())


def test_a_wrong_check_names_its_step() -> None:
    with pytest.raises(UsageError, match=r"step 'reply': a validator must be .*, got 'nope'"):
        Step("reply", Prompt(input="{text}"), check="nope")  # type: ignore[arg-type]
