"""DSPy: modules over `dspy.LM("openai/ALIAS")`, by its own layout of fields and by its JSON adapter."""

from __future__ import annotations

import asyncio
from typing import Any

import dspy

from serve_clients.programs.checks import NoWay, Setting, expect, expect_answer, raises, run, unique

AS_JSON: Any = {"extra_body": {"kind": "json"}}
"""For the JSON adapter: DSPy sends no `response_format` to a model that it does not know."""


def lm(at: Setting, alias: str = "", **settings: Any) -> Any:
    key = settings.pop("api_key", at.key)
    return dspy.LM(f"openai/{alias or at.alias}", api_base=at.url, api_key=key, cache=False, num_retries=0, **settings)


def chat(at: Setting) -> None:
    [reply] = lm(at)(unique())
    expect_answer(reply if isinstance(reply, str) else reply["text"])


def asynchronous(at: Setting) -> None:
    async def ask() -> list[Any]:
        return await asyncio.gather(*(lm(at).acall(unique()) for _ in range(4)))

    for [reply] in asyncio.run(ask()):
        expect_answer(reply if isinstance(reply, str) else reply["text"])


def structured(at: Setting) -> None:
    at.needs_mock()

    class Count(dspy.Signature):
        """Answer the question."""

        question: str = dspy.InputField()
        answer: int = dspy.OutputField()
        unit: str = dspy.OutputField()

    with dspy.context(lm=lm(at, **AS_JSON), adapter=dspy.JSONAdapter()):
        found = dspy.Predict(Count)(question=unique() + " [json]")
    expect((found.answer, found.unit) == (42, "apples"), found)
    # Its own layout is recognized, by the adapter that it uses by default.
    with dspy.context(lm=lm(at)):
        plain = dspy.Predict("question -> answer: int")(question=unique())
        reasoned = dspy.ChainOfThought("question -> answer: int")(question=unique())
    expect(plain.answer > 0 and reasoned.answer > 0 and len(reasoned.reasoning) > 20, (plain, reasoned))


def n(at: Setting) -> None:
    replies = lm(at)(unique(), n=3)
    expect(len(replies) == 3, f"{len(replies)} replies")


def usage(at: Setting) -> None:
    before, model = at.seen(), lm(at, at.steps)
    model(unique())
    found, after = model.history[-1]["usage"], at.seen()
    for name in ("prompt_tokens", "completion_tokens"):
        spent = after[name] - before[name]
        expect(found[name] == spent, f"{name}: {found[name]}, but {spent} were billed")


def extension(at: Setting) -> None:
    model = lm(at)
    model(unique(), extra_body={"kind": "number", "series": "new"})
    said = getattr(model.history[-1]["response"], "reasoning", None)
    expect(said and (said["state"] == "answered" or not at.upstream), f"the field 'reasoning': {said}")


def errors(at: Setting) -> None:
    raises(lambda: lm(at, "no-such-alias")("?"), "NotFoundError", "LMUnsupportedModelError")


def keys(at: Setting) -> None:
    raises(lambda: lm(at, api_key="wrong")("?"), "AuthenticationError", "LMAuthError")


def evaluation(at: Setting) -> None:
    if not at.upstream:
        raise NoWay("a small model's answers are not known")
    examples = [dspy.Example(question=unique() + " [json]", answer=42).with_inputs("question") for _ in range(8)]
    signature = dspy.Signature("question -> answer: int, unit: str")
    with dspy.context(lm=lm(at, **AS_JSON), adapter=dspy.JSONAdapter()):
        judge = dspy.Evaluate(devset=examples, metric=lambda e, p, trace=None: e.answer == p.answer, num_threads=4)
        result = judge(dspy.Predict(signature))
    expect(result.score == 100, result)


if __name__ == "__main__":
    run(
        "dspy",
        {
            "chat": chat,
            "async": asynchronous,
            "structured": structured,
            "n": n,
            "usage": usage,
            "extension": extension,
            "errors": errors,
            "keys": keys,
            "evaluation": evaluation,
        },
    )
