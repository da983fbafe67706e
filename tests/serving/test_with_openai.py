"""The server with the SDK of OpenAI as the client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reasoning import Budget, Journal
from reasoning.errors import CallFailed
from reasoning.messages import Completion, Usage
from reasoning.serving.access import Access, read_keys
from reasoning.testing import ScriptedLLM
from tests.image_files import png
from tests.serving.served import make, serving

openai = pytest.importorskip("openai", reason="a dependency of litellm")

KEY = "sk-test-0123456789abcdef"
ASKED: Any = [{"role": "user", "content": "How many legs do two spiders have?"}]
FORMAT: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "legs",
        "schema": {"type": "object", "properties": {"legs": {"type": "integer"}}, "required": ["legs"]},
    },
}


@pytest.fixture(autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    while _clients:
        _clients.pop().close()


_clients: list[Any] = []


def client(url: str, key: str = "none") -> Any:
    _clients.append(openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0))
    return _clients[-1]


def counting(values: Iterator[int]) -> Any:
    return lambda messages: Completion(
        f"Each has 8 legs. The answer is {next(values)}.", usage=Usage(1, 20, 10, 4, 0.001, 0.0, 3)
    )


def test_a_vote_answers_as_a_model() -> None:
    replies = iter([16, 16, 8])
    llm = ScriptedLLM(counting(replies))
    with serving(make(llm, "vote=self_consistency(cot, samples=3)", kinds=("number",))) as url:
        reply = client(url).chat.completions.create(model="vote", messages=ASKED)
    [choice] = reply.choices
    assert (choice.message.content, choice.message.refusal, choice.finish_reason) == ("16", None, "stop")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (60, 30, 90)
    assert reply.usage.prompt_tokens_details.cached_tokens == 12
    assert reply.usage.completion_tokens_details.reasoning_tokens == 9
    about = reply.reasoning
    assert about["strategy"] == "self_consistency(cot, samples=3)"
    assert (about["state"], about["value"], about["confidence"]) == ("answered", 16, pytest.approx(2 / 3))
    assert (about["calls"], about["new_calls"], about["usd"]) == (3, 3, pytest.approx(0.003))
    assert "trace" not in about


def test_recorded_answers_cost_nothing_and_new_ones_are_drawn_on_request() -> None:
    llm = ScriptedLLM(counting(iter(range(10))))
    with serving(make(llm, kinds=("number",))) as url:
        ask = client(url).chat.completions.create
        series: list[Any] = [None, None, {"series": "new"}, {"series": "a"}, {"series": "a"}]
        replies = [ask(model="cot", messages=ASKED, extra_body=extra) for extra in series]
        seeds = [ask(model="cot", messages=ASKED, seed=seed) for seed in (7, 8, 7)]
    assert [reply.choices[0].message.content for reply in replies] == ["0", "0", "1", "2", "2"]
    assert [reply.reasoning["usd"] for reply in replies] == [0.001, 0.0, 0.001, 0.001, 0.0]
    assert replies[1].usage.total_tokens == 30
    assert [reply.choices[0].message.content for reply in seeds] == ["3", "4", "3"]
    assert all("seed" not in request.sampling for request in llm.requests)
    assert replies[2].reasoning["series"].startswith("new ")


def test_a_server_may_draw_anew_for_every_request() -> None:
    with serving(make(ScriptedLLM(counting(iter(range(10)))), kinds=("number",), fresh=True)) as url:
        ask = client(url).chat.completions.create
        contents = [ask(model="cot", messages=ASKED).choices[0].message.content for _ in range(2)]
        same = [ask(model="cot", messages=ASKED, extra_body={"series": "a"}) for _ in range(2)]
    assert contents == ["0", "1"]
    assert [reply.choices[0].message.content for reply in same] == ["2", "2"]


def test_n_gives_independent_answers() -> None:
    with serving(make(ScriptedLLM(counting(iter(range(10)))), kinds=("number",))) as url:
        replies = [client(url).chat.completions.create(model="cot", messages=ASKED, n=3) for _ in range(2)]
    contents = [[choice.message.content for choice in reply.choices] for reply in replies]
    assert sorted(contents[0]) == ["0", "1", "2"]
    assert contents[1] == contents[0]
    assert replies[0].usage.total_tokens == 90
    assert len(replies[0].reasoning["choices"]) == 3
    assert replies[1].reasoning["new_calls"] == 0


def test_earlier_turns_and_settings_reach_the_calls() -> None:
    llm = ScriptedLLM(lambda messages: "The answer is 16.")
    turns: Any = [
        {"role": "developer", "content": "You are a biologist."},
        {"role": "user", "content": [{"type": "text", "text": "What is a spider?"}]},
        {"role": "assistant", "content": "An arachnid."},
        *ASKED,
    ]
    with serving(make(llm, kinds=("number",))) as url:
        client(url).chat.completions.create(
            model="cot", messages=turns, temperature=0.3, top_p=0.9, user="me", metadata={"a": "b"}, max_tokens=50
        )
    [request] = llm.requests
    assert [turn.role for turn in request.messages] == ["system", "user", "assistant", "user"]
    assert request.messages[0].content == "You are a biologist."
    assert (request.sampling["temperature"], request.sampling["top_p"]) == (0.3, 0.9)
    # A strategy of several calls may state its answer in any of them.
    assert request.sampling["max_tokens"] == 1024


def test_a_schema_gives_json_or_a_refusal() -> None:
    llm = ScriptedLLM(['{"legs": 16}', "I do not know."])
    with serving(make(llm, "direct=vanilla")) as url:
        ask = client(url).chat.completions.create
        good = ask(model="direct", messages=ASKED, response_format=FORMAT)
        bad = ask(model="direct", messages=[{"role": "user", "content": "And three?"}], response_format=FORMAT)
    assert json.loads(good.choices[0].message.content) == {"legs": 16}
    assert (bad.choices[0].message.content, bad.choices[0].finish_reason) == (None, "stop")
    assert bad.choices[0].message.refusal
    assert bad.reasoning["state"] == "unparsed"


def test_a_kind_can_be_asked_for() -> None:
    llm = ScriptedLLM(["The answer is (B)."])
    kind = {"kind": "choice", "options": ["rose", "pear"]}
    with serving(make(llm)) as url:
        reply = client(url).chat.completions.create(model="cot", messages=ASKED, extra_body={"kind": kind})
    assert reply.choices[0].message.content == "B"


def test_stop_texts_and_limits_are_those_of_the_answer() -> None:
    llm = ScriptedLLM(lambda messages: "It has 8 legs.\n\nQ: next\nThe answer is one two three four.")
    with serving(make(llm, "cot=cot", "text=vanilla", kinds=('text={"kind": "text", "whole": true}',))) as url:
        ask = client(url).chat.completions.create
        cut = ask(model="cot", messages=ASKED, max_tokens=2)
        stopped = ask(model="text", messages=ASKED, stop=["\n\n"])
    assert (cut.choices[0].message.content.split(), cut.choices[0].finish_reason) == (["one", "two"], "length")
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == ("It has 8 legs.", "stop")
    assert all("stop" not in request.sampling for request in llm.requests)


def test_one_call_that_is_cut_off_gives_its_beginning() -> None:
    llm = ScriptedLLM([Completion("It has many", "length")])
    with serving(make(llm, "text=cot(stages=1)", kinds=('{"kind": "text", "whole": true}',))) as url:
        reply = client(url).chat.completions.create(model="text", messages=ASKED, max_completion_tokens=3)
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == ("It has many", "length")
    assert llm.requests[0].sampling["max_tokens"] == 3


def test_images_are_shown() -> None:
    import base64

    llm = ScriptedLLM(["The answer is 3."])
    url_of = f"data:image/png;base64,{base64.b64encode(png()).decode()}"
    parts: Any = [
        {"type": "text", "text": "How many bars?"},
        {"type": "image_url", "image_url": {"url": url_of}},
        {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
    ]
    with serving(make(llm, kinds=("number",))) as url:
        client(url).chat.completions.create(model="cot", messages=[{"role": "user", "content": parts}])
    assert [len(turn.images) for turn in llm.requests[0].messages] == [2]


TOOLS: Any = [{"type": "function", "function": {"name": "legs", "parameters": {"type": "object", "properties": {}}}}]


def test_a_strategy_of_one_call_passes_tools_on() -> None:
    call = '<tool_call>\n{"name": "legs", "arguments": {"of": "spider"}}\n</tool_call>'
    llm = ScriptedLLM([call, "16"])
    with serving(make(llm, "direct=vanilla")) as url:
        ask = client(url).chat.completions.create
        first = ask(model="direct", messages=ASKED, tools=TOOLS).choices[0]
        assert first.finish_reason == "tool_calls"
        [made] = first.message.tool_calls
        assert (made.function.name, json.loads(made.function.arguments)) == ("legs", {"of": "spider"})
        turns = [
            *ASKED,
            first.message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": made.id, "content": "8"},
        ]
        second = ask(model="direct", messages=turns, tools=TOOLS).choices[0]
    assert (second.message.content, second.finish_reason) == ("16", "stop")
    assert [turn.role for turn in llm.requests[1].messages] == ["user", "assistant", "tool", "user"]
    assert llm.requests[1].sampling["tools"] == TOOLS


def test_the_responses_api_streams_the_calls_of_tools() -> None:
    llm = ScriptedLLM(['<tool_call>\n{"name": "legs", "arguments": {"of": "spider"}}\n</tool_call>'])
    tools: Any = [{"type": "function", "name": "legs", "parameters": {"type": "object", "properties": {}}}]
    with (
        serving(make(llm, "direct=vanilla")) as url,
        client(url).responses.stream(model="direct", input="How many?", tools=tools) as stream,
    ):
        events = [event.type for event in stream]
        final = stream.get_final_response()
    [call] = [item for item in final.output if item.type == "function_call"]
    assert (call.name, json.loads(call.arguments), final.status) == ("legs", {"of": "spider"}, "completed")
    assert "response.function_call_arguments.done" in events


def test_a_stream_has_stages_then_the_answer_and_usage_at_its_end() -> None:
    def reply(messages: Any) -> str:
        return "1. How many legs has one?" if len(llm.requests) == 1 else "The answer is 16."

    llm = ScriptedLLM(reply)
    with serving(make(llm, "ltm=least_to_most", kinds=("number",))) as url:
        chunks = list(client(url).chat.completions.create(model="ltm", messages=ASKED, stream=True))
        usage = {"include_usage": True}
        separate = list(
            client(url).chat.completions.create(
                model="ltm", messages=ASKED, stream=True, stream_options=usage, extra_body={"trace": True}
            )
        )
    lines = [getattr(chunk.choices[0].delta, "reasoning_content", None) for chunk in chunks]
    assert next(line for line in lines if line) == "least_to_most begins\n"
    assert [line for line in lines if line][-1].endswith(", 3 calls\n")
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "16"
    assert (chunks[-1].choices[0].finish_reason, chunks[-1].usage.total_tokens > 0) == ("stop", True)
    assert chunks[-1].reasoning["value"] == 16
    assert len({chunk.id for chunk in chunks}) == 1
    assert (separate[-1].choices, separate[-1].reasoning["new_calls"]) == ([], 0)
    assert separate[-1].reasoning["trace"]["stage"] == "least_to_most"
    events = [chunk.reasoning["event"] for chunk in separate if "event" in (getattr(chunk, "reasoning", None) or {})]
    assert {event["type"] for event in events} >= {"stage_began", "stage_ended", "call_began", "call_ended"}
    assert all(chunk.usage is None for chunk in separate[:-1])


def test_a_silent_stream_has_a_heartbeat() -> None:
    import urllib.request

    llm = ScriptedLLM(["The answer is 16."], latency=0.3)
    with serving(make(llm, heartbeat=0.05)) as url:
        body = json.dumps({"model": "cot", "messages": ASKED, "stream": True}).encode()
        asked = urllib.request.Request(f"{url}/v1/chat/completions", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked) as reply:
            text = reply.read().decode()
    assert ": heartbeat\n\n" in text
    assert text.endswith("data: [DONE]\n\n")


def test_an_error_within_a_stream_is_raised() -> None:
    with serving(make(ScriptedLLM([CallFailed("gone")]))) as url, pytest.raises(openai.APIError, match="gone"):
        list(client(url).chat.completions.create(model="cot", messages=ASKED, stream=True))


def test_responses_have_the_same_answers() -> None:
    llm = ScriptedLLM(lambda messages: Completion("The answer is 16.", usage=Usage(1, 20, 10, 4, 0.001, 0.0, 3)))
    with serving(make(llm, kinds=("number",))) as url:
        reply = client(url).responses.create(model="cot", input="How many?", instructions="Be a biologist.")
        with client(url).responses.stream(model="cot", input=ASKED) as stream:
            events = [event.type for event in stream]
            final = stream.get_final_response()
        form = {"type": "json_schema", "name": "legs", "schema": FORMAT["json_schema"]["schema"]}
        refused = client(url).responses.create(model="cot", input="How?", text={"format": form})
    assert (reply.output_text, reply.status) == ("16", "completed")
    assert (reply.usage.input_tokens, reply.usage.output_tokens_details.reasoning_tokens) == (20, 3)
    assert llm.requests[0].messages[0].content == "Be a biologist."
    assert final.output_text == "16"
    assert events[0] == "response.created"
    assert events[-1] == "response.completed"
    assert "response.reasoning_summary_text.delta" in events
    assert final.reasoning.value == 16  # type: ignore[union-attr]
    assert refused.output[0].content[0].type == "refusal"


def test_the_async_client_and_models() -> None:
    async def ask(url: str) -> Any:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as asynchronous:
            models = [model async for model in asynchronous.models.list()]
            reply = await asynchronous.chat.completions.create(model="cot", messages=ASKED)
            return models, await asynchronous.models.retrieve("cot"), reply

    with serving(make(ScriptedLLM(["The answer is 16."]), "cot=cot", "vote=sc(cot, samples=3)")) as url:
        models, one, reply = asyncio.run(ask(url))
    assert [model.id for model in models] == ["cot", "vote"]
    assert models[1].reasoning["calls"] == [3, 6]
    assert one.reasoning["paper"].startswith("arXiv 2201.11903")
    assert reply.choices[0].message.content == "16"


def keyed(tmp_path: Path, **limits: Any) -> Path:
    file = tmp_path / "keys.toml"
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in limits.items())
    file.write_text(f'[keys.alice]\nkey = "{KEY}"\n{lines}[keys.bob]\nsha256 = "{"0" * 64}"\n')
    return file


def test_a_wrong_key_is_refused(tmp_path: Path) -> None:
    llm = ScriptedLLM(["The answer is 16."])
    access = Access(llm, read_keys(keyed(tmp_path)))
    with serving(make(llm, access=access)) as url:
        for key in ("none", "x", KEY[:-1], "0" * 64):
            with pytest.raises(openai.AuthenticationError, match="a valid key is missing"):
                client(url, key).chat.completions.create(model="cot", messages=ASKED)
        assert client(url, KEY).chat.completions.create(model="cot", messages=ASKED).choices[0].message.content == "16"
    assert llm.calls == 1


def test_budgets_hold_over_a_restart(tmp_path: Path) -> None:
    file, folder = keyed(tmp_path, budget="calls=3", day_budget="calls=2"), tmp_path / "spent"
    numbers = iter(range(100))
    left = []
    for _ in range(2):
        with ScriptedLLM(counting(numbers), journal=Journal(tmp_path / "j.sqlite")) as llm:
            access = Access(llm, read_keys(file), Budget(calls=100), folder)
            with serving(make(llm, access=access)) as url:
                for number in range(2):
                    try:
                        client(url, KEY).chat.completions.create(
                            model="cot", messages=ASKED, extra_body={"series": "new"} if number else {}
                        )
                    except openai.RateLimitError as error:
                        left.append((error.code, error.response.headers["x-should-retry"], llm.calls))
                    else:
                        left.append(("bought", "", llm.calls))
            access.close()
    # The recorded answer of the first request costs nothing, also where the budget is used up.
    assert left == [("bought", "", 1), ("bought", "", 2), ("bought", "", 0), ("insufficient_quota", "false", 0)]


def test_a_request_has_a_budget_of_its_own() -> None:
    llm = ScriptedLLM(lambda messages: "The answer is 16.")
    server = make(llm, "vote=sc(cot, samples=9)", kinds=("number",), problem_budget=Budget(calls=4))
    with serving(server) as url:
        replies = [
            client(url).chat.completions.create(model="vote", messages=ASKED, extra_body={"series": name})
            for name in ("a", "b")
        ]
    assert [reply.reasoning["calls"] for reply in replies] == [4, 4]
    assert replies[0].choices[0].message.content == "16"


@pytest.mark.model
@pytest.mark.long
def test_a_real_model_answers(smollm: Path) -> None:
    from reasoning import connect

    with connect(f"local:{smollm}", journal=False, max_tokens=24) as llm:
        server = make(llm, "vote=sc(cot(stages=1), samples=3, temperature=0.7)", kinds=("number",))  # type: ignore[arg-type]
        with serving(server) as url:
            chunks = list(client(url).chat.completions.create(model="vote", messages=ASKED, stream=True))
            reply = client(url).chat.completions.create(model="vote", messages=ASKED)
    assert chunks[-1].reasoning["calls"] >= 3
    assert chunks[-1].reasoning["state"] in ("answered", "unparsed")
    assert reply.usage.completion_tokens == chunks[-1].usage.completion_tokens > 0
    assert reply.reasoning["new_calls"] == 0
