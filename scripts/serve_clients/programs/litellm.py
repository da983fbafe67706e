"""litellm: `openai/ALIAS` with an `api_base`, synchronous, asynchronous and streamed."""

from __future__ import annotations

import asyncio
from typing import Any

import litellm
from pydantic import BaseModel

from serve_clients.programs.checks import Setting, expect, expect_answer, leave, raises, run, unique


class Found(BaseModel):
    """An answer with its unit."""

    answer: int
    unit: str


def arguments(at: Setting, question: str, alias: str = "") -> dict[str, Any]:
    return {
        "model": f"openai/{alias or at.alias}",
        "messages": [{"role": "user", "content": question}],
        "api_base": at.url,
        "api_key": at.key,
        "timeout": 300,
    }


def chat(at: Setting) -> None:
    expect_answer(litellm.completion(**arguments(at, unique())).choices[0].message.content)


def asynchronous(at: Setting) -> None:
    async def ask() -> list[Any]:
        return await asyncio.gather(*(litellm.acompletion(**arguments(at, unique())) for _ in range(4)))

    for reply in asyncio.run(ask()):
        expect_answer(reply.choices[0].message.content)


def stream(at: Setting) -> None:
    text = stages = ""
    ends = []
    for chunk in litellm.completion(**arguments(at, unique(), at.steps), stream=True):
        delta = chunk.choices[0].delta
        text += delta.content or ""
        stages += getattr(delta, "reasoning_content", None) or ""
        ends += [chunk.choices[0].finish_reason] if chunk.choices[0].finish_reason else []
    expect_answer(text)
    expect(stages.count("\n") >= 2, f"stages were not streamed: {stages!r:.100}")
    expect(ends == ["stop"], ends)


def responses(at: Setting) -> None:
    given = arguments(at, "")
    del given["messages"]
    reply: Any = litellm.responses(**given, input=unique())
    texts = [part.text for item in reply.output if item.type == "message" for part in item.content]
    expect_answer("".join(texts))


def structured(at: Setting) -> None:
    reply = litellm.completion(**arguments(at, unique() + " [json]"), response_format=Found)
    text = reply.choices[0].message.content
    if at.upstream:
        expect(Found.model_validate_json(text) == Found(answer=42, unit="apples"), text)


def n(at: Setting) -> None:
    expect(len(litellm.completion(**arguments(at, unique()), n=3).choices) == 3, "n")


def usage(at: Setting) -> None:
    before = at.seen()
    found = litellm.completion(**arguments(at, unique(), at.steps)).usage
    after = at.seen()
    for name in ("prompt_tokens", "completion_tokens"):
        spent = after[name] - before[name]
        expect(getattr(found, name) == spent, f"{name}: {getattr(found, name)}, but {spent} were billed")


def extension(at: Setting) -> None:
    reply = litellm.completion(**arguments(at, unique()), extra_body={"kind": "number", "series": "new"})
    said = getattr(reply, "reasoning", None)
    expect(said and (said["state"] == "answered" or not at.upstream), f"the field 'reasoning': {said}")


def errors(at: Setting) -> None:
    raises(lambda: litellm.completion(**arguments(at, "?", "no-such-alias"), max_retries=0), "NotFoundError")
    raises(lambda: litellm.completion(**arguments(at, "?"), temperature=9, max_retries=0), "BadRequestError")


def keys(at: Setting) -> None:
    given = {**arguments(at, "?"), "api_key": "wrong"}
    raises(lambda: litellm.completion(**given, max_retries=0), "AuthenticationError")


def cancel(at: Setting) -> None:
    leave(at, lambda question: litellm.acompletion(**arguments(at, question, at.steps)), 0.4)


if __name__ == "__main__":
    litellm.suppress_debug_info = True
    run(
        "litellm",
        {
            "chat": chat,
            "async": asynchronous,
            "stream": stream,
            "responses": responses,
            "structured": structured,
            "n": n,
            "usage": usage,
            "extension": extension,
            "errors": errors,
            "keys": keys,
            "cancel": cancel,
        },
    )
