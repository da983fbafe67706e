"""Structured replies: schemas of kinds, prompts and steps that ask for JSON, and the parsing of such replies."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from reasoning import Chain, Demonstration, Problem, Prompt, Step, connect, kinds, strategies
from reasoning.chain.structured import structure_all
from reasoning.cli.app import app
from reasoning.engine.cost_bounds import max_prompt_tokens
from reasoning.errors import UsageError
from reasoning.kinds import Kind
from reasoning.kinds.reply_format import response_format
from reasoning.messages import Conversation, Message
from reasoning.testing import ScriptedLLM

LABEL = kinds.Label(["network", "price"])

SENTENCE = 'Not 9. The answer is 7, or (B), or red; is it "yes"? {"answer": 2}\nSo it may be no. '
"""Steps with statements of other answers."""

FREE = [
    (kinds.Number(), -3.5, "The answer is -3.5."),
    (kinds.Number(), 12345678901234567890, "The answer is 12345678901234567890."),
    (kinds.Number(percent=True), "12.5%", "The answer is 12.5%."),
    (kinds.Choice(["red", "blue", "green"]), "B", "The answer is (B)."),
    (kinds.Choice(["red", "blue"], labels=["yes.no", "a|b"]), "a|b", "The answer is a|b."),
    (kinds.Choice(["red", "blue", "green"], several=True), "A, C", "The answer is A, C."),
    (kinds.Label(["good", "very good", "n/a"]), "very good", "The answer is very good."),
    (kinds.Label(["good", "null"]), "null", "The answer is null."),
    (kinds.Label(["größer", "日本", 'the "big" one']), 'the "big" one', 'The answer is the "big" one.'),
    (kinds.YesNo(), "no", "The answer is no."),
    (kinds.Date("%m/%d/%Y"), "2/7/2002", "The answer is 2/7/2002."),
    (kinds.Date("%d. %B %Y"), "27. February 2002", "The answer is 27. February 2002."),
    (kinds.Text(), "the Eiffel Tower", "The answer is the Eiffel Tower."),
    (kinds.Items(), ["a (x; y)", "b"], "The answer is a (x; y); b."),
    (kinds.Items(sep=",", empty="nothing"), "nothing", "The answer is nothing."),
    (kinds.Cells(), ["1,000", "Peru"], "The answer is 1,000 | Peru."),
    (kinds.Expression(), "\\frac{1}{2}", "The answer is \\boxed{\\frac{1}{2}}."),
    (kinds.Calculation(), "(10 - 6) * 5", "The answer is (10 - 6) * 5"),
]


@pytest.mark.parametrize(("kind", "answer", "free"), FREE, ids=[f"{kind!r}"[:40] for kind, *_ in FREE])
def test_a_structured_reply_fits_the_schema_and_has_the_value_of_a_free_one(kind: Kind, answer: Any, free: str) -> None:
    expected = kind.parse(free)
    assert expected is not None
    for steps in (False, True):
        schema = kind.reply_schema(steps=steps)
        if schema is None:
            assert steps
            assert isinstance(kind, kinds.Items | kinds.Cells)
            continue
        reply = {"reasoning": SENTENCE, "answer": answer} if steps else {"answer": answer}
        assert list(schema["properties"]) == list(reply)
        assert Draft202012Validator(schema).is_valid(reply)
        for text in (json.dumps(reply), json.dumps(reply, indent=2, ensure_ascii=False)):
            assert kind.parse(text) == expected, text
        assert not Draft202012Validator(schema).is_valid({**reply, "more": 1})


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (kinds.Number(), "seven"),
        (kinds.Choice(["red", "blue"]), "C"),
        (kinds.Choice(["red", "blue"], several=True), "A and B"),
        (kinds.Label(["good", "bad"]), "Good"),
        (kinds.YesNo(), "maybe"),
        (kinds.Date("%m/%d/%Y"), "yesterday"),
        (kinds.Items(), []),
    ],
)
def test_a_schema_refuses_what_the_kind_does_not_read(kind: Kind, wrong: Any) -> None:
    schema = kind.reply_schema()
    assert schema is not None
    assert not Draft202012Validator(schema).is_valid({"answer": wrong})


def test_several_answers_are_one_object_with_their_names() -> None:
    kind = kinds.Composite({"age": kinds.Number(), "of age": kinds.YesNo(), "tags": kinds.Items()})
    schema = kind.reply_schema()
    reply = {"age": 7, "of age": "no", "tags": ["a", "b; c"]}
    assert schema is not None
    assert Draft202012Validator(schema).is_valid(reply)
    assert kind.parse(json.dumps(reply)) == (7, False, ("a", "b; c"))
    assert kind.structured_instruction().count("\n") == 3
    assert kinds.Composite([kinds.Number(), kinds.Code()]).reply_schema() is None


def test_json_states_its_own_schema_and_a_list_is_in_an_object() -> None:
    price = {"type": "object", "properties": {"price": {"type": "number"}}, "required": ["price"]}
    assert kinds.Json(schema=price).reply_schema() == price
    keys = kinds.Json(required=("price",), allowed=("unit",)).reply_schema()
    assert keys is not None
    assert keys["required"] == ["price"]
    assert keys["additionalProperties"] is False
    items = kinds.Json(schema={"type": "array", "items": {"$ref": "#/$defs/X"}, "$defs": {"X": {"type": "string"}}})
    schema = items.reply_schema()
    assert schema is not None
    Draft202012Validator(schema).validate({"answer": ["a"]})
    assert items.parse('{"answer": ["a"]}') == ["a"]
    recursive = {"type": "array", "items": {"$ref": "#"}}
    assert kinds.Json(schema=recursive).reply_schema() is None
    assert kinds.Json(shape="any").reply_schema() is None


def test_only_a_closed_schema_is_said_to_be_strict() -> None:
    def strict(kind: Kind) -> bool:
        return bool(response_format(kind)["json_schema"]["strict"])

    price: dict[str, Any] = {"type": "object", "properties": {"price": {"type": "number"}}, "required": ["price"]}
    assert strict(kinds.Json(schema=price))
    assert not strict(kinds.Json(schema={**price, "required": []}))
    assert not strict(kinds.Json(schema={**price, "properties": {"price": {"type": "array"}}}))
    assert not strict(kinds.Json(schema={**price, "properties": {"price": {"type": "string", "minLength": 3}}}))
    assert not strict(kinds.Json())
    closed = response_format(kinds.Json(schema=price))["json_schema"]["schema"]
    assert closed["additionalProperties"] is False
    assert "additionalProperties" not in price


@pytest.mark.parametrize("kind", [kinds.Code(), kinds.Text(whole=True), kinds.Spans(["x"], "text")])
def test_a_kind_without_a_schema_is_refused_and_those_with_one_are_named(kind: Kind) -> None:
    prompt = Prompt("{problem}", recap="{direct_instruction}", structured=True)
    with pytest.raises(UsageError, match="the kinds with one are number, choice, label"):
        prompt.render(Problem("Why?", kind))
    with pytest.raises(UsageError, match="step 'one': structured replies need a kind with a JSON schema"):
        Step("one", Prompt("Why?"), returns=kind, structured=True)


def test_vanilla_asks_for_the_answer_alone_and_chain_of_thought_for_steps_before_it() -> None:
    problem = Problem("Is it good?", kinds.Label(["good", "bad"]))
    llm = ScriptedLLM(['{"answer": "bad"}', '{"reasoning": "It is good.", "answer": "bad"}'])
    direct = strategies.get("vanilla(prompt={'structured': True})")
    answer = direct.run(problem, llm)
    assert (answer.value, repr(direct)) == ("bad", "vanilla(prompt={'structured': True})")
    cot = strategies.get("cot(stages=1, one_stage={'structured': True})")
    assert cot.run(problem, llm).value == "bad"
    formats = [request.sampling["response_format"] for request in llm.requests]
    assert [one["type"] for one in formats] == ["json_schema", "json_schema"]
    fields = [list(one["json_schema"]["schema"]["properties"]) for one in formats]
    assert fields == [["answer"], ["reasoning", "answer"]]
    asked = llm.requests[0].messages[-1].content
    assert asked.endswith('Reply with a JSON object whose field "answer" holds one of: good, bad: no other words.')
    assert 'write your steps in the field "reasoning"' in llm.requests[1].messages[-1].content


def test_branches_of_a_vote_share_the_format_of_their_first_call() -> None:
    llm = ScriptedLLM(lambda _: '{"answer": 4}')
    vote = strategies.get("self_consistency(vanilla(prompt={'structured': True}), samples=3)")
    assert vote.run(Problem("2 + 2?", kinds.Number()), llm).value == 4
    assert {request.sampling["response_format"]["type"] for request in llm.requests} == {"json_schema"}


@pytest.mark.parametrize(
    ("kind", "output", "written"),
    [
        (kinds.Number(), "The answer is 1,234.", 1234),
        (LABEL, "The answer is network.", "network"),
        (kinds.YesNo(), "Yes", "yes"),
        (kinds.Choice(["red", "blue"]), "(B)", "B"),
        (kinds.Choice(["red", "blue"], several=True), "A and B", "A, B"),
        (kinds.Date("%d.%m.%Y"), "2002-02-27", "27.02.2002"),
        (kinds.Items(), "a; b", ["a", "b"]),
        (kinds.Items(empty="none"), "none", "none"),
        (kinds.Text(), "Paris", "Paris"),
        # Not of the kind: shown as it is.
        (kinds.Number(), "many", None),
    ],
)
def test_worked_examples_are_shown_in_the_form_of_the_reply(kind: Kind, output: str, written: Any) -> None:
    prompt = Prompt("{problem}", recap="{direct_instruction}", structured=True)
    shown = prompt.replace(examples=(Demonstration("Why?", output),)).render(Problem("Which?", kind)).messages[-2]
    expected = output if written is None else json.dumps({"answer": written}, ensure_ascii=False)
    assert (shown.role, shown.content) == ("assistant", expected)


def test_the_reasoning_of_an_example_is_in_the_field_of_the_steps() -> None:
    example = Demonstration("Why?", "The answer is 4.", 'It is "2 + 2".')
    prompt = Prompt("{problem}", recap="{instruction}", structured=True, examples=(example,))
    shown = prompt.render(Problem("3 + 3?", kinds.Number())).messages[-2].content
    assert shown == json.dumps({"reasoning": 'It is "2 + 2".', "answer": 4})
    # A prompt for the answer alone has no place for them.
    bare = prompt.replace(recap="{direct_instruction}").render(Problem("3 + 3?", kinds.Number())).messages[-2].content
    assert bare == example.reply


def test_what_is_not_structured_is_sent_as_before() -> None:
    llm = ScriptedLLM(["4"])
    strategies.get("vanilla").run(Problem("2 + 2?", kinds.Number()), llm)
    assert "response_format" not in llm.requests[0].sampling
    assert repr(Prompt("{problem}")) == repr(Prompt("{problem}", structured=True))
    turns = Conversation((Message("user", "2 + 2?"),), response_format=response_format(kinds.Number()))
    assert turns.then("4", "Sure?").response_format is None


@pytest.mark.parametrize("label", ["<think>", "the answer is", "answer: x"])
def test_a_label_that_cannot_be_read_from_json_leaves_its_kind_without_a_schema(label: str) -> None:
    for kind in (kinds.Label([label, "other"]), kinds.Choice(["one", "two"], labels=[label, "other"])):
        assert kind.reply_schema() is None
        assert kind.reply_schema(steps=True) is None


def test_a_structured_prompt_must_ask_for_the_answer() -> None:
    with pytest.raises(UsageError, match="its placeholders are: problem, trigger"):
        strategies.get("cot(two_stages={'structured': True})").run(Problem("?", kinds.Number()), ScriptedLLM(["1"]))
    with pytest.raises(UsageError, match="no field for steps"):
        strategies.get("cot(stages=1, one_stage={'structured': True})").run(
            Problem("?", kinds.Items()), ScriptedLLM(["1"])
        )
    with pytest.raises(UsageError, match="structured must be True or False, got 'yes'"):
        strategies.get("vanilla(prompt={'structured': 'yes'})")


def test_a_prompt_is_structured_by_an_override() -> None:
    [changed] = strategies.override_prompts(["vanilla"], ["vanilla.prompt.structured=true"])
    assert changed == strategies.get("vanilla(prompt={'structured': True})")
    [kept] = strategies.override_prompts([changed], ["vanilla.prompt={problem} Now. {direct_instruction}"])
    assert strategies.prompts(kept)["vanilla.prompt"].structured  # type: ignore[union-attr]
    [free] = strategies.override_prompts([changed], ["vanilla.prompt.structured=false"])
    assert repr(free) == "vanilla"


def test_a_structured_step_keeps_its_format_in_repairs() -> None:
    def not_price(value: str) -> str | None:
        return "It is not about the price." if value == "price" else None

    step = Step("topic", Prompt("{text}", recap="Name the topic."), returns=LABEL, check=not_price, structured=True)
    llm = ScriptedLLM(['{"answer": "price"}', '{"answer": "network"}'])
    assert Chain(step).run("It drops.", llm).value == "network"
    first, second = llm.requests
    assert first.sampling["response_format"] == second.sampling["response_format"] == response_format(LABEL)
    assert first.messages[-1].content.endswith(
        'Name the topic.\n\nReply with a JSON object whose field "answer" holds one of: network, price: no other words.'
    )


def test_a_step_with_placeholders_of_its_kind_asks_for_json_there() -> None:
    step = Step("topic", Prompt("{text} {instruction} Do it."), returns=LABEL, structured=True)
    llm = ScriptedLLM(['{"reasoning": "It drops.", "answer": "network"}'])
    assert Chain(step).run("It drops.", llm).value == "network"
    [request] = llm.requests
    assert list(request.sampling["response_format"]["json_schema"]["schema"]["properties"]) == ["reasoning", "answer"]
    assert request.messages[-1].content.endswith("Do it.")


def test_the_examples_of_a_structured_step_are_in_json() -> None:
    prompt = Prompt("{text}", examples=(Demonstration("Too dear.", "price"),))
    llm = ScriptedLLM(['{"answer": "network"}'])
    Chain(Step("topic", prompt, returns=LABEL, structured=True)).run("It drops.", llm)
    assert [turn.content for turn in llm.requests[0].messages[:2]] == ["Too dear.", '{"answer": "price"}']


def test_a_step_says_what_excludes_structured_replies() -> None:
    with pytest.raises(UsageError, match="step 'one': structured needs a prompt"):
        Step("one", function=len, reads=("text",), structured=True)
    with pytest.raises(UsageError, match="step 'one': structured is for a step without a strategy"):
        Step("one", Prompt("Why?"), returns=LABEL, strategy="cot", structured=True)


def test_a_chain_keeps_structured_in_its_folder_and_in_its_prompts(tmp_path: Path) -> None:
    chain = Chain(Step("topic", Prompt("{text}", structured=True), returns=LABEL), name="topics")
    assert chain.steps[0].structured
    assert not chain.steps[0].prompt.structured
    chain.save(tmp_path / "topics")
    assert "structured = true" in (tmp_path / "topics" / "chain.toml").read_text(encoding="utf-8")
    assert Chain.load(tmp_path / "topics") == chain
    [free] = strategies.override_prompts([chain], ["topics.topic.structured=false"])
    assert not free.steps[0].structured
    assert free.name != chain.name


def test_dates_are_read_in_the_form_that_their_schema_demands() -> None:
    kind = kinds.Date("%b %d, %y")
    schema = kind.reply_schema()
    reply = {"answer": "Feb 27, 02"}
    assert schema is not None
    assert Draft202012Validator(schema).is_valid(reply)
    assert kind.parse(json.dumps(reply)) == datetime.date(2002, 2, 27)


def test_a_reply_in_json_needs_no_parser_of_the_step_and_another_one_does() -> None:
    def parse(text: str, values: Any) -> str | None:
        return "network" if "drops" in text else None

    step = Step("topic", Prompt("{text}"), returns=LABEL, parse=parse, structured=True)
    for reply, value in (('{"answer": "price"}', "price"), ("It drops, whatever the price.", "network")):
        assert Chain(step).run("It drops.", ScriptedLLM([reply])).value == value


@pytest.mark.parametrize(
    "spec",
    [
        "cot(one_stage={'structured': True})",
        "cot(shots=2, stages=1, one_stage={'structured': True})",
        "least_to_most(in_one={'structured': True})",
        "self_consistency(cot(go_on={'structured': True}), samples=3)",
    ],
)
def test_a_prompt_whose_reply_is_read_as_free_text_cannot_be_structured(spec: str) -> None:
    with pytest.raises(UsageError, match=r"cannot be structured: the technique reads its reply as free text"):
        strategies.get(spec).run(Problem("2 + 2?", kinds.Number()), ScriptedLLM(["4"]))


def test_free_text_prompts_are_prompts_that_ask_for_the_answer() -> None:
    for name in strategies.catalogue():
        strategy = strategies.get(name)
        own = {key.partition(".")[2]: value for key, value in strategies.prompts(strategy).items()}
        for prompt in strategy.free_text_prompts:
            assert isinstance(own[prompt], Prompt), (name, prompt)
            assert own[prompt].asks_for_answer, (name, prompt)  # type: ignore[union-attr]


def test_all_that_can_be_structured_is_and_the_rest_is_named() -> None:
    chosen = [strategies.get(spec) for spec in ("vanilla", "cot(stages=1)", "cot", "self_consistency(vanilla)")]
    changed, free = structure_all(chosen, [kinds.Number(), LABEL])
    assert [repr(one) for one in changed] == [
        "vanilla(prompt={'structured': True})",
        "cot(stages=1, one_stage={'structured': True})",
        "cot",
        "self_consistency(vanilla(prompt={'structured': True}))",
    ]
    assert free == "replies stay free text in: cot"
    # A list has no field for steps, and the answers of all problems must have a schema.
    assert structure_all(chosen[:2], [kinds.Items()])[1] == "replies stay free text in: cot(stages=1)"
    for kind in (kinds.Code(), kinds.Text(whole=True)):
        with pytest.raises(UsageError, match="--structured changes nothing"):
            structure_all(chosen, [LABEL, kind])


def test_the_steps_of_a_chain_are_structured_where_their_kinds_allow_it() -> None:
    chain = Chain(
        Step("topic", Prompt("{text}"), returns=LABEL),
        Step("why", Prompt("{text} {topic}", recap="Why?"), returns=kinds.Text(whole=True)),
        Step("voted", Prompt("{text} {why}"), returns=LABEL, strategy="vanilla"),
        Step("solved", Prompt("{text} {voted}"), returns=LABEL, strategy="cot"),
        name="topics",
    )
    [changed], free = structure_all([chain], ())
    assert isinstance(changed, Chain)
    assert [step.structured for step in changed.steps] == [True, False, False, False]
    assert changed.steps[2].strategy == "vanilla(prompt={'structured': True})"
    assert free == "replies stay free text in: topics.why, topics.solved (cot)"
    assert changed.name.startswith("topics#")


def test_a_command_asks_for_json_and_records_what_it_compared(tmp_path: Path) -> None:
    run = CliRunner()
    (tmp_path / "tasks.jsonl").write_text('{"id": "1", "question": "2 + 2?", "answer": 4}\n', encoding="utf-8")
    missing = run.invoke(app(), ["ask", "Why?", "-s", "cot", "--structured", "--model", "replay:none.jsonl"])
    assert "--structured changes nothing: no prompt of cot asks for an answer" in str(missing.exception)
    task = f"jsonl:{tmp_path}/tasks.jsonl"
    forecast = ["bench", "run", "--task", task, "--strategies", "vanilla, cot", "--dry-run", "--structured"]
    done = run.invoke(app(), [*forecast, "--model", "local", "--json"])
    assert done.exit_code == 0, done.output
    assert "vanilla(prompt={'structured': True})" in done.output
    assert "replies stay free text in: cot" in done.output


def test_the_schema_counts_for_the_bound_of_the_prompt_and_is_named_in_a_diagram() -> None:
    prompt = Prompt("{problem}", recap="{direct_instruction}")
    problem = Problem("Which?", LABEL)
    llm = ScriptedLLM(["price"])
    free = llm.request(prompt.render(problem), {})
    turns = prompt.replace(structured=True).render(problem)
    structured = llm.request(turns, {"response_format": turns.response_format})
    assert max_prompt_tokens(structured) > max_prompt_tokens(free) + 100
    assert "in JSON" in str(Chain(Step("topic", Prompt("{text}"), returns=LABEL, structured=True)).diagram())


@pytest.mark.long
@pytest.mark.model
def test_a_local_model_writes_what_the_schema_allows(smollm: Path) -> None:
    kind = kinds.Label(["größer", "日本", 'the "big" one'])
    nested = {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "of": {"enum": ["a"]}},
        "required": ["n", "of"],
    }
    ask = "Write a poem about the sea."
    with connect(f"local:{smollm}", journal=False, temperature=1.5, max_tokens=60) as llm:
        vote = strategies.get("self_consistency(vanilla(prompt={'structured': True}), samples=4, temperature=1.5)")
        answers = [vote.run(Problem(ask, kind), llm)]
        answers.append(
            strategies.get("vanilla(prompt={'structured': True})").run(Problem(ask, kinds.Json(schema=nested)), llm)
        )
    drawn = [draw for answer in answers for call in answer.trace.calls() for draw in call.completions]  # type: ignore[union-attr]
    assert len(drawn) == 5
    for draw, schema in zip(drawn, [kind.reply_schema()] * 4 + [nested], strict=True):
        Draft202012Validator(schema).validate(json.loads(draw.text))
    assert all(answer.state == "answered" for answer in answers)
