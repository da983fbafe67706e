"""The official Python SDK: synchronous, asynchronous and streamed, chat completions and responses."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import openai
from pydantic import BaseModel

from serve_clients.programs.checks import NoWay, Setting, expect, expect_answer, raises, run, unique


class Found(BaseModel):
    """An answer with its unit."""

    answer: int
    unit: str


def client(at: Setting, **settings: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=at.url, api_key=settings.pop("key", at.key), timeout=300, **settings)


def turns(question: str) -> list[Any]:
    return [{"role": "user", "content": question}]


def chat(at: Setting) -> None:
    reply = client(at).chat.completions.create(model=at.alias, messages=turns(unique()))
    expect_answer(reply.choices[0].message.content)
    expect(reply.choices[0].finish_reason == "stop", reply.choices[0].finish_reason)
    expect(reply.object == "chat.completion" and reply.id and reply.model == at.alias, reply)


def asynchronous(at: Setting) -> None:
    async def ask() -> list[Any]:
        async with openai.AsyncOpenAI(base_url=at.url, api_key=at.key, timeout=300) as one:
            create = one.chat.completions.create
            return await asyncio.gather(*(create(model=at.alias, messages=turns(unique())) for _ in range(4)))

    for reply in asyncio.run(ask()):
        expect_answer(reply.choices[0].message.content)


def stream(at: Setting) -> None:
    begun, stages, text, usages, ends, first = time.monotonic(), "", "", [], [], None
    with client(at).chat.completions.create(
        model=at.steps, messages=turns(unique()), stream=True, stream_options={"include_usage": True}
    ) as chunks:
        for chunk in chunks:
            if chunk.usage:
                usages.append(chunk.usage)
            for choice in chunk.choices:
                stages += getattr(choice.delta, "reasoning_content", None) or ""
                first = first or (time.monotonic() - begun if stages else None)
                text += choice.delta.content or ""
                ends += [choice.finish_reason] if choice.finish_reason else []
    expect_answer(text)
    expect(stages.count("\n") >= 2, f"stages were not streamed: {stages!r:.100}")
    expect(ends == ["stop"], ends)
    expect(len(usages) == 1 and usages[0].completion_tokens > 0, f"usage of the last chunk: {usages}")


def responses(at: Setting) -> None:
    reply = client(at).responses.create(model=at.alias, input=unique(), instructions="Be brief.")
    expect_answer(reply.output_text)
    expect(reply.status == "completed" and reply.usage and reply.usage.output_tokens > 0, reply)
    kinds, text = [], ""
    with client(at).responses.create(model=at.alias, input=unique(), stream=True) as events:
        for event in events:
            kinds.append(event.type)
            text += event.delta if event.type == "response.output_text.delta" else ""
    expect_answer(text)
    expect(kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds)


def structured(at: Setting) -> None:
    try:
        reply = client(at).chat.completions.parse(
            model=at.alias, messages=turns(unique() + " [json]"), response_format=Found
        )
    except openai.LengthFinishReasonError:
        expect(not at.upstream, "the reply was cut off")
        raise NoWay("the model's JSON was cut off") from None
    found = reply.choices[0].message
    expect(found.parsed or found.refusal or not at.upstream, found)
    if at.upstream:
        expect(found.parsed == Found(answer=42, unit="apples"), found)
        schema: Any = {"name": "found", "strict": True, "schema": Found.model_json_schema()}
        reply = client(at).chat.completions.create(
            model=at.alias, messages=turns(unique()), response_format={"type": "json_schema", "json_schema": schema}
        )
        found = reply.choices[0].message
        expect(found.refusal and not found.content, f"a reply without JSON must be a refusal, got {found}")


def n(at: Setting) -> None:
    reply = client(at).chat.completions.create(model=at.alias, messages=turns(unique()), n=3)
    expect([choice.index for choice in reply.choices] == [0, 1, 2], reply.choices)
    for choice in reply.choices:
        expect_answer(choice.message.content)


def usage(at: Setting) -> None:
    before = at.seen()
    reply = client(at).chat.completions.create(model=at.steps, messages=turns(unique()))
    after, found = at.seen(), reply.usage
    expect(found, "no usage")
    for name in ("prompt_tokens", "completion_tokens"):
        spent = after[name] - before[name]
        expect(getattr(found, name) == spent, f"{name}: {getattr(found, name)}, but {spent} were billed")
    expect(found.total_tokens == found.prompt_tokens + found.completion_tokens, found)
    billed = after["requests"] - before["requests"]
    cached = found.prompt_tokens_details and found.prompt_tokens_details.cached_tokens
    thought = found.completion_tokens_details and found.completion_tokens_details.reasoning_tokens
    expect(cached == 2 * billed, f"cached tokens: {cached}")
    expect(thought == 3 * (after["completions"] - before["completions"]), f"reasoning tokens: {thought}")


def before(at: Setting) -> None:
    messages: list[Any] = [
        {"role": "system", "content": "Answer like a pirate."},
        {"role": "user", "content": "I have a parrot."},
        {"role": "assistant", "content": "Arr, a fine bird."},
        *turns(unique()),
    ]
    reply = client(at).chat.completions.create(model=at.steps, messages=messages)
    expect_answer(reply.choices[0].message.content)
    bodies = [json.dumps(body["messages"]) for body in at.seen()["bodies"] if messages[-1]["content"] in str(body)]
    expect(len(bodies) >= 2, f"{len(bodies)} requests for the question")
    for body in bodies:
        places = [body.find(text) for text in ("like a pirate", "a parrot", "a fine bird", messages[-1]["content"])]
        expect(-1 not in places and places == sorted(places), f"earlier turns at {places} in {body:.300}")


def extension(at: Setting) -> None:
    asked, ask = unique(), client(at).chat.completions.create
    replies: list[Any] = [
        ask(model=at.alias, messages=turns(asked), extra_body={"kind": "number", "trace": True}),
        ask(model=at.alias, messages=turns(asked), extra_body={"kind": "number"}),
        ask(model=at.alias, messages=turns(asked), extra_body={"kind": "number", "series": "new"}),
    ]
    said = [reply.model_extra["reasoning"] for reply in replies]
    for one in said:
        expect(one["strategy"] and "confidence" in one, one)
        # A small model's reply need not have a number.
        if at.upstream or one["state"] == "answered":
            expect(isinstance(one["value"], int | float), f"the value of a number is {one['value']!r}")
    expect(said[0].get("trace") and "trace" not in said[1], "the trace must come when it is asked for")
    if at.upstream:
        given = [body for body in at.seen()["bodies"] if asked in str(body)]
        expect(len(given) == 2, f"{len(given)} requests: one for two equal solves, one for a new series")


def errors(at: Setting) -> None:
    ask = client(at, max_retries=0).chat.completions.create
    raises(lambda: ask(model="no-such-alias", messages=turns("?")), "NotFoundError")
    wrong: Any = raises(lambda: ask(model=at.alias, messages=[]), "BadRequestError", "UnprocessableEntityError")
    expect(isinstance(wrong.body, dict) and wrong.body.get("message"), f"the error's body: {wrong.body}")
    raises(
        lambda: ask(model=at.alias, messages=turns("?"), temperature=9), "BadRequestError", "UnprocessableEntityError"
    )
    if at.upstream:
        raises(lambda: ask(model=at.alias, messages=turns(unique() + " [refused]")), "InternalServerError")
        at.wait_for_recovery()


def keys(at: Setting) -> None:
    raises(lambda: client(at, key="wrong").models.list(), "AuthenticationError")
    ask = client(at, key="wrong").chat.completions.create
    raises(lambda: ask(model=at.alias, messages=turns("?")), "AuthenticationError")


def retries(at: Setting) -> None:
    at.needs_mock()
    before = at.seen()["requests"]
    raises(
        lambda: client(at, max_retries=3).chat.completions.create(
            model=at.alias, messages=turns(unique() + " [refused]")
        ),
        "InternalServerError",
        "APIStatusError",
    )
    asked = at.seen()["requests"] - before
    at.wait_for_recovery()
    expect(asked == 1, f"{asked} requests reached the provider, which refuses its key")


def cancel(at: Setting) -> None:
    async def leave(question: str) -> None:
        async with openai.AsyncOpenAI(base_url=at.url, api_key=at.key, max_retries=0) as one:
            asking = one.chat.completions.create(model=at.steps, messages=turns(question))
            with_limit = asyncio.wait_for(asking, 0.4)
            try:
                await with_limit
            except TimeoutError:
                return
        raise AssertionError("the reply came before the client could leave")

    at.needs_mock()
    before, question = at.seen(), unique() + " [slow]"
    asyncio.run(leave(question))
    time.sleep(1.5)  # the rest of the strategy would follow in this time
    asked = at.seen()["requests"] - before["requests"]
    expect(asked == 1, f"{asked} requests were made for a client that had left")
    reply = client(at).chat.completions.create(model=at.steps, messages=turns(question))
    expect_answer(reply.choices[0].message.content)


def models(at: Setting) -> None:
    listed = {model.id for model in client(at).models.list()}
    expect({at.alias, at.steps} <= listed, listed)
    expect(client(at).models.retrieve(at.alias).id == at.alias, "models.retrieve")


if __name__ == "__main__":
    run(
        "openai",
        {
            "chat": chat,
            "async": asynchronous,
            "stream": stream,
            "responses": responses,
            "structured": structured,
            "n": n,
            "usage": usage,
            "before": before,
            "extension": extension,
            "errors": errors,
            "keys": keys,
            "retries": retries,
            "cancel": cancel,
            "models": models,
        },
    )
