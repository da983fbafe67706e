"""langchain-openai: ChatOpenAI, its streams, structured outputs and errors."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from serve_clients.programs.checks import Setting, expect, expect_answer, leave, raises, run, unique


class Found(BaseModel):
    """An answer with its unit."""

    answer: int
    unit: str


def model(at: Setting, alias: str = "", **settings: Any) -> ChatOpenAI:
    key = settings.pop("api_key", at.key)
    # Without a client of its own, a model shares one with those of other event loops, which have ended.
    own = httpx.AsyncClient()
    return ChatOpenAI(
        base_url=at.url, api_key=key, model=alias or at.alias, timeout=300, http_async_client=own, **settings
    )


def chat(at: Setting) -> None:
    expect_answer(model(at).invoke(unique()).text)


def asynchronous(at: Setting) -> None:
    async def ask() -> list[Any]:
        return await model(at).abatch([unique() for _ in range(4)])

    for reply in asyncio.run(ask()):
        expect_answer(reply.text)


def stream(at: Setting) -> None:
    chunks: Any = list(model(at, at.steps, stream_usage=True).stream(unique()))
    expect_answer("".join(chunk.text for chunk in chunks))
    expect(sum((chunk.usage_metadata or {}).get("output_tokens", 0) for chunk in chunks) > 0, "no usage in the stream")


def responses(at: Setting) -> None:
    expect_answer(model(at, use_responses_api=True).invoke(unique()).text)


def structured(at: Setting) -> None:
    at.needs_mock()
    found: Any = (
        model(at).with_structured_output(Found, method="json_schema", include_raw=True).invoke(unique() + " [json]")
    )
    expect(found["parsed"] == Found(answer=42, unit="apples"), found)


def n(at: Setting) -> None:
    found = model(at, n=3).generate([[HumanMessage(unique())]])
    expect(len(found.generations[0]) == 3, f"{len(found.generations[0])} generations")


def usage(at: Setting) -> None:
    before = at.seen()
    found: Any = model(at, at.steps).invoke(unique()).usage_metadata
    after = at.seen()
    for name, ours in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
        spent = after[ours] - before[ours]
        expect(found[name] == spent, f"{name}: {found[name]}, but {spent} were billed")


def before(at: Setting) -> None:
    question = unique()
    turns = [
        ("system", "Answer like a pirate."),
        ("user", "I have a parrot."),
        ("assistant", "Arr."),
        ("user", question),
    ]
    expect_answer(model(at, at.steps).invoke(turns).text)
    bodies = [json.dumps(body["messages"]) for body in at.seen()["bodies"] if question in str(body)]
    expect(len(bodies) >= 2 and all("like a pirate" in body and "a parrot" in body for body in bodies), bodies)


def extension(at: Setting) -> None:
    # LangChain drops fields of a reply that it does not know; those of a request reach the server.
    asked = unique()
    for _ in range(2):
        expect_answer(model(at, extra_body={"kind": "number", "series": "new"}).invoke(asked).text)
    given = [body for body in at.seen()["bodies"] if asked in str(body)]
    expect(len(given) == 2, f"{len(given)} requests for two series")


def errors(at: Setting) -> None:
    raises(lambda: model(at, "no-such-alias", max_retries=0).invoke("?"), "NotFoundError", "OpenAIModelNotFoundError")
    raises(lambda: model(at, temperature=9, max_retries=0).invoke("?"), "BadRequestError", "OpenAIInvalidRequestError")


def keys(at: Setting) -> None:
    raises(
        lambda: model(at, api_key="wrong", max_retries=0).invoke("?"),
        "AuthenticationError",
        "OpenAIAuthenticationError",
    )


def cancel(at: Setting) -> None:
    leave(at, lambda question: model(at, at.steps, max_retries=0).ainvoke(question), 0.6)


if __name__ == "__main__":
    run(
        "langchain-openai",
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
            "cancel": cancel,
        },
    )
