"""DSPy's layout of fields: asked for by its prompt, read from replies, and given back."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from reasoning import kinds
from reasoning.serving.protocol.dspy_fields import DspyFields
from reasoning.testing import ScriptedLLM
from tests.serving.served import make, serving

SYSTEM = (
    "Your input fields are:\n1. `question` (str):\nYour output fields are:\n1. `reasoning` (str): \n"
    "2. `answer` (str):\nAll interactions will be structured in the following way, with the appropriate values filled "
    "in.\n\n[[ ## question ## ]]\n{question}\n\n[[ ## reasoning ## ]]\n{reasoning}\n\n[[ ## answer ## ]]\n{answer}\n\n"
    "[[ ## completed ## ]]"
)
QUESTION = (
    "[[ ## question ## ]]\nHow many legs do two spiders have?\n\nRespond with the corresponding output fields, "
    "starting with the field `[[ ## reasoning ## ]]`, then `[[ ## answer ## ]]` (must be formatted as a valid Python "
    "int), and then ending with the marker for `[[ ## completed ## ]]`."
)
MESSAGES = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
KIND = DspyFields(fields=("reasoning", "answer"), answer_kind=kinds.Number())


def layout(reasoning: str, answer: object) -> str:
    return f"[[ ## reasoning ## ]]\n{reasoning}\n\n[[ ## answer ## ]]\n{answer}\n\n[[ ## completed ## ]]"


def ask(url: str, model: str, **fields: Any) -> Any:
    body = json.dumps({"model": model, "messages": MESSAGES, **fields}).encode()
    sent = urllib.request.Request(f"{url}/v1/chat/completions", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(sent, timeout=10) as reply:
        return json.load(reply)


def test_the_fields_are_those_that_the_question_asks_for() -> None:
    assert DspyFields.find(QUESTION, kinds.Number()) == KIND
    for text in ("How many?", SYSTEM, "Respond with the corresponding output fields, starting with the field `x`."):
        assert DspyFields.find(text, kinds.Number()) is None


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (layout("Each has 8.", 16), layout("Each has 8.", 16)),
        ("[[ ## reasoning ## ]] Each has 8.\n[[ ## answer ## ]] 16", layout("Each has 8.", 16)),
        (f"<think>{layout('x', 1)}</think>\n{layout('Each has 8.', 16)}", layout("Each has 8.", 16)),
        (f"{layout('Each has 8.', 16)}\n{layout('Another question.', 7)}", layout("Each has 8.", 16)),
        ("Each has 8. The answer is 16.", layout("Each has 8. The answer is 16.", 16)),
        ("I do not know.", None),
        ("[[ ## answer ## ]]\n16", None),
        ("", None),
    ],
)
def test_a_reply_is_read(reply: str, value: str | None) -> None:
    assert KIND.parse(reply) == value


def test_a_reply_that_was_cut_off_needs_its_last_mark() -> None:
    assert KIND.parse(layout("Each has 8.", 16), stated_only=True)
    assert KIND.parse("[[ ## reasoning ## ]]\nEach has 8.\n[[ ## answer ## ]]\n1", stated_only=True) is None


def test_a_reply_without_marks_has_no_field_besides_the_answer_and_its_reasoning() -> None:
    kind = DspyFields(fields=("summary", "answer"), answer_kind=kinds.Number())
    assert kind.parse("The answer is 16.") is None
    assert DspyFields(fields=("answer",), answer_kind=kinds.Number()).parse("The answer is 16.")


def test_a_vote_compares_the_last_fields_and_gives_a_reply_in_the_layout() -> None:
    replies = iter([layout("Twice 8.", 16), layout("One has 8.", 8), layout("8 and 8.", 16)])
    llm = ScriptedLLM(lambda messages: next(replies))
    with serving(make(llm, "vote=self_consistency(cot, samples=3)", kinds=("number",))) as url:
        reply = ask(url, "vote")
    assert reply["choices"][0]["message"]["content"] in (layout("Twice 8.", 16), layout("8 and 8.", 16))
    assert reply["reasoning"]["confidence"] == pytest.approx(2 / 3)
    # An answer in the fields is stated, so that no second call asks for it.
    assert llm.calls == 3
    assert llm.requests[0].messages[0].content == SYSTEM


def test_a_kind_that_the_request_names_is_used_instead() -> None:
    llm = ScriptedLLM(lambda messages: layout("Twice 8.", 16))
    with serving(make(llm, "direct=vanilla")) as url:
        assert ask(url, "direct", kind="number")["choices"][0]["message"]["content"] == "16"
