"""Images in requests: where they are attached, the keys, the form that is sent, and the bounds."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from reasoning import Budget, Problem, Prompt, connect, kinds, strategies
from reasoning.engine.cost_bounds import max_prompt_tokens
from reasoning.errors import BudgetExhausted, UsageError
from reasoning.images import Image
from reasoning.journal.codec import find_request_problem, parse_request
from reasoning.messages import Conversation, Message, Request
from reasoning.prompts import Demonstration
from reasoning.testing import ScriptedLLM
from reasoning.tool_calls import to_wire
from reasoning.trace import Trace
from tests.image_files import png

IMAGE = Image.from_bytes(png(), name="chart.png")
OTHER = Image.from_bytes(png(colour=1))
SHOWN = Problem("How many bars are red?", kinds.Number(), images=[IMAGE])


def request(*images: Image, text: str = "?") -> Request:
    return Request("some/model", (Message("system", "Look."), Message("user", text, images)), {"temperature": 0.0})


def test_a_request_without_images_is_byte_for_byte_what_it_was() -> None:
    assert request().canonical == (
        '{"endpoint":null,"messages":[["system","Look."],["user","?"]],"model":"some/model",'
        '"sampling":{"temperature":0.0}}'
    )
    assert request().key == "c21781e742c472562cd476557336bc006d1c74d89ac9ff4fbca95834ab42dee6"
    assert Message("user", "x", []).__dict__ == {}
    assert json.dumps(Message("user", "x")) == '["user", "x"]'


def test_equal_bytes_give_equal_keys_and_others_do_not() -> None:
    same = Image.from_bytes(png(), name="another name.png")
    assert request(IMAGE).key == request(same).key
    assert len({request().key, request(IMAGE).key, request(OTHER).key, request(IMAGE, OTHER).key}) == 4
    assert request(Image.of("https://a.example/x.png")).key != request(Image.of("https://a.example/y.png")).key


def test_a_recorded_request_has_hashes_and_reads_back_to_its_key() -> None:
    sent = request(IMAGE, Image.of("https://a.example/x.png"))
    assert base64.b64encode(png()).decode() not in sent.canonical
    back = parse_request(json.loads(sent.canonical))
    assert (back.key, back.messages) == (sent.key, sent.messages)
    assert find_request_problem(bytes.fromhex(sent.key), "some/model", sent.canonical) == ""


def test_turns_with_other_images_are_other_turns() -> None:
    assert Message("user", "x", [IMAGE]) != Message("user", "x")
    assert Message("user", "x", [IMAGE]) != Message("user", "x", [OTHER])
    assert Message("user", "x", [IMAGE]) == Message("user", "x", [Image.from_bytes(png())])
    role, content = Message("user", "x", [IMAGE])
    assert (role, content) == ("user", "x")


def test_the_form_of_openai_has_parts_with_a_data_url() -> None:
    sent = to_wire(request(IMAGE, Image.of("https://a.example/x.png")).messages, tools=False)
    data = f"data:image/png;base64,{base64.b64encode(png()).decode()}"
    assert sent == [
        {"role": "system", "content": "Look."},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": data}},
                {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
                {"type": "text", "text": "?"},
            ],
        },
    ]
    assert to_wire(request(IMAGE).messages, tools=True)[1] == to_wire(request(IMAGE).messages, tools=False)[1]
    assert to_wire(request(IMAGE, text="").messages, tools=False)[1]["content"][-1]["type"] == "image_url"


def images_of(llm: ScriptedLLM) -> list[list[int]]:
    """Return the number of images of each turn of each request."""
    return [[len(turn.images) for turn in sent.messages] for sent in llm.requests]


def test_every_request_of_a_solve_shows_the_images_once() -> None:
    llm = ScriptedLLM(lambda messages: "The answer is 4.")
    for spec in (
        "vanilla",
        "cot",
        "self_consistency(cot, samples=3)",
        "chain_of_verification",
        "plan_and_solve",
    ):
        answer = strategies.get(spec).run(SHOWN, llm)
        assert answer.value == 4
    assert len(llm.requests) >= 6
    assert all(sum(of) == 1 for of in images_of(llm))
    assert all(turn.role == "user" for sent in llm.requests for turn in sent.messages if turn.images)


@pytest.mark.parametrize("turns", ["chat", "single"])
@pytest.mark.parametrize("objective", ["Count.", "Count the {question}."])
def test_demonstrations_get_no_image(turns: Any, objective: str) -> None:
    """Also where the beginning depends on the problem, so that no prefix is the same for all."""
    shown = Prompt("{problem}", objective=objective, examples=(Demonstration("1?", "1"),), turns=turns).render(SHOWN)
    messages = shown.with_images((IMAGE,)).messages
    assert [len(turn.images) for turn in messages] == [*[0] * (len(messages) - 1), 1]
    more = shown.with_images((IMAGE,)).then("four", "Sure?").with_images((IMAGE,)).messages
    assert [len(turn.images) for turn in more] == [*[0] * (len(messages) - 1), 1, 0, 0]


def test_a_conversation_that_ends_in_its_prefix_shows_them_in_its_last_user_turn() -> None:
    odd = Conversation((Message("user", "a"), Message("assistant", "b")), static_prefix=2)
    assert [len(turn.images) for turn in odd.with_images((IMAGE,)).messages] == [1, 0]


def test_an_inner_problem_has_the_images_of_the_solve_or_its_own() -> None:
    class Halves(type(strategies.get("vanilla"))):  # type: ignore[misc]
        async def solve(self, problem: Problem, session: Any) -> Any:
            await session.solve(strategies.get("vanilla"), Problem("left?", kinds.Number()))
            return await session.solve(strategies.get("vanilla"), Problem("right?", kinds.Number(), images=[OTHER]))

    llm = ScriptedLLM(lambda messages: "4")
    Halves().run(SHOWN, llm)
    assert [[image for turn in sent.messages for image in turn.images] for sent in llm.requests] == [[IMAGE], [OTHER]]


def test_the_trace_keeps_what_identifies_the_images() -> None:
    answer = strategies.get("cot").run(SHOWN, ScriptedLLM(["The answer is 4."]))
    assert answer.trace is not None
    data = json.loads(json.dumps(answer.trace.to_json()))
    [call] = Trace.from_json(data).calls()
    [image] = [image for turn in call.messages for image in turn.images]
    assert (image, image.name, image.width, image.data) == (IMAGE, "chart.png", 2, b"")
    plain = strategies.get("vanilla").run("2 + 2?", ScriptedLLM(["4"])).trace
    assert plain is not None
    assert [event["messages"] for event in json.loads(json.dumps(plain.to_json()))["events"]] == [
        [["user", "2 + 2?\n\nReply with the answer alone, in a few words: no reasoning, no full sentence."]]
    ]


def test_bounds_count_images() -> None:
    assert max_prompt_tokens(request(IMAGE)) - max_prompt_tokens(request()) == 2880
    of_openai = Request("openai/gpt-4o-mini", request(IMAGE).messages, {"max_tokens": 5})
    with pytest.raises(BudgetExhausted):
        strategies.get("vanilla").run(SHOWN, ScriptedLLM(["4"], budget=Budget(tokens=2000)))
    assert max_prompt_tokens(of_openai) > 8500


@pytest.mark.parametrize("model", ["local", "torch:smollm2-135m"])
def test_a_model_without_vision_says_what_would_work(model: str) -> None:
    try:
        llm = connect(model, journal=False)
    except Exception as error:
        pytest.skip(str(error))
    with pytest.raises(UsageError, match="takes no images: use a model that does, such as openai/gpt-4o-mini"):
        strategies.get("vanilla").run(SHOWN, llm)


@pytest.mark.parametrize(
    ("model", "url", "is_taken"),
    [
        ("anthropic/claude-x", "https://a.example/x.png", True),
        ("anthropic/claude-x", "http://a.example/x.png", False),
        ("gemini/gemini-x", "https://a.example/x.png", False),
        ("ollama/llava", "http://169.254.169.254/x.png", False),
        ("openrouter/some/model", "https://a.example/x.png", True),
        ("ollama/llava", png(), True),
    ],
)
def test_no_url_is_sent_that_litellm_would_fetch_here(model: str, url: Any, is_taken: bool) -> None:
    llm = connect(model, journal=False, api_key="x")
    turns = Conversation((Message("user", "?", [Image.of(url)]),))
    if is_taken:
        assert llm.request(turns, {}).messages[0].images
    else:
        with pytest.raises(UsageError, match=r"takes no URL of an image .*: give the picture as a file or as bytes"):
            llm.request(turns, {})


def test_nothing_is_learned_from_a_problem_without_its_image() -> None:
    with pytest.raises(UsageError, match="problems without images, since demonstrations are texts"):
        strategies.get("auto_cot").fit([SHOWN], ScriptedLLM([]))
