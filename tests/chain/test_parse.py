"""A step's own parser: which replies it reads, and what happens where it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reasoning import Chain, Prompt, Step, kinds
from reasoning.chain.lint import lint
from reasoning.errors import CallFailed, PromptRefused, UsageError
from reasoning.messages import Message
from reasoning.testing import ScriptedLLM


def last_word(text: str, before: Mapping[str, Any]) -> str | None:
    """Read "… => word"."""
    return text.rpartition("=> ")[2] if "=> " in text else None


COLOUR = Step("colour", Prompt(input="{thing}"), returns=kinds.Label(("red", "blue")), parse=last_word)


def test_it_reads_before_the_kind_and_leaves_the_rest_to_it() -> None:
    for reply, value in [
        ("red or blue => Blue", "blue"),
        ("The answer is red.", "red"),
        ("<think>=> red</think>=> blue", "blue"),
    ]:
        answer = Chain(COLOUR).run("sky", ScriptedLLM([reply]))
        assert (answer.value, answer.state) == (value, "answered")
    answer = Chain(COLOUR).run("sky", ScriptedLLM(["=> green", "=> red"]))
    assert answer.value == "red"  # a value of another kind is sent back as any rejected reply
    answer = Chain(COLOUR).run("sky", ScriptedLLM(["=> green", "=> green"]))
    assert (answer.state, "its parse gave" in answer.reason) == ("unparsed", True)


def test_it_sees_the_values_that_the_step_reads() -> None:
    def pick(text: str, before: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(word for word in before["words"] if word in text)

    chain = Chain(
        Step("words", Prompt(input="{text}"), returns=kinds.Items()),
        Step("best", Prompt(input="{words}"), returns=kinds.Items(), parse=pick),
    )
    assert chain.run("t", ScriptedLLM(["a1; b2; c3", "I like c3 and a1 most"])).value == ("a1", "c3")


def test_it_reads_the_answer_of_a_strategy_and_the_items_of_a_loop() -> None:
    voted = Chain(Step("colour", Prompt(input="{thing}"), returns=COLOUR.returns, parse=last_word, strategy="vanilla"))
    assert voted.run("sky", ScriptedLLM(["hm => blue"])).value == "blue"
    each = Chain(
        Step("things", Prompt(input="{text}"), returns=kinds.Items()),
        Step("colours", Prompt(input="{thing}"), returns=COLOUR.returns, parse=last_word, for_each="thing in things"),
    )
    llm = ScriptedLLM(
        lambda turns: (
            "sky; rose" if turns[-1].content == "t" else f"=> {'blue' if 'sky' in turns[-1].content else 'red'}"
        )
    )
    assert each.run("t", llm).value == ("blue", "red")


def test_one_that_raises_ends_the_step_and_says_where() -> None:
    def broken(text: str, before: Mapping[str, Any]) -> None:
        raise ValueError("no idea")

    answer = Chain(Step("colour", Prompt(input="{thing}"), parse=broken)).run("sky", ScriptedLLM(["red"]))
    assert answer.state == "failed"
    assert "its parse raised ValueError: no idea" in answer.reason
    assert "test_parse.py" in answer.reason


async def later(text: str, before: Mapping[str, Any]) -> None:
    """Read nothing."""


def test_wrong_parsers() -> None:
    with pytest.raises(UsageError, match="parse must be a plain function"):
        Step("a", Prompt(input="{x}"), parse=later)
    with pytest.raises(UsageError, match="parse needs a prompt"):
        Step("a", function=lambda x: x, parse=last_word)
    assert lint(Chain(COLOUR)) == [one for one in lint(Chain(COLOUR)) if one.level == "warning"]


@pytest.mark.parametrize(("error", "state"), [(PromptRefused("filter"), "answered"), (CallFailed("outage"), "failed")])
def test_the_fallback_of_a_loop_replaces_what_a_provider_refuses_and_no_outage(error: CallFailed, state: str) -> None:
    def say(turns: tuple[Message, ...]) -> str | Exception:
        return error if turns[-1].content == "rude" else "fine"

    def keep(value: Any, before: Mapping[str, Any]) -> str:
        return f"unread: {before['item']}"

    whole = kinds.Text(whole=True)
    loop = Step("read", Prompt(input="{item}"), returns=whole, for_each="item in items", fallback=keep)
    answer = Chain(loop, inputs={"items": kinds.Items()}).run({"items": ("a", "rude")}, ScriptedLLM(say))
    assert answer.state == state
    if state == "answered":
        assert answer.value == ("fine", "unread: rude")
        assert "the provider refused it" in str(answer.trace.to_json() if answer.trace else "")
    once = Step("read", Prompt(input="{item}"), returns=whole, fallback=lambda value, before: "x")
    assert Chain(once).run("rude", ScriptedLLM(say)).state == "failed"  # without a loop it is this answer that is lost
