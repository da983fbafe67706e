"""Basic prompting with definitions: the user's, of the terms that occur."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.errors import InputError, SpecError, UsageError
from reasoning.testing import ScriptedLLM
from tests import call_counts

TERMS = {"DVT": "a blood clot in a deep vein", "INR": "how slowly blood clots; {normal} is 1", "hip": "a joint"}
CLOT = Problem("Warfarin was started for two DVTs. What was treated?", context="The inr was 1.")


@pytest.mark.parametrize(
    "spec", [f"defined_terms(terms={TERMS!r})", f"defined_terms({TERMS!r}, max_tokens=8)", f"defined_terms({TERMS!r})"]
)
def test_one_call(spec: str) -> None:
    llm = ScriptedLLM(["a clot"])
    strategy = strategies.get(spec)
    assert strategies.get(repr(strategy)) == strategy
    assert strategy.run(CLOT, llm).value == "a clot"
    assert llm.calls == call_counts.calls(strategy) == 1
    assert llm.rounds == call_counts.rounds(strategy)
    assert llm.requests[0].sampling["max_tokens"] == strategy.max_tokens


def test_only_the_terms_that_occur_are_defined_and_the_data_stays_data() -> None:
    llm = ScriptedLLM(["a clot"])
    strategies.get(f"defined_terms({TERMS!r})").run(CLOT, llm)
    system, user = llm.requests[0].messages
    assert "- DVT: a blood clot in a deep vein" in system.content  # in the plural
    assert "- INR: how slowly blood clots; {normal} is 1" in system.content  # in another case
    assert "hip" not in system.content
    assert user.content.endswith(kinds.Text().direct_instruction())
    llm = ScriptedLLM(["x"])
    strategies.get(f"defined_terms({TERMS!r})").run(Problem("Is a ship or a hippo bigger?"), llm)  # no whole word
    assert "joint" not in llm.prompts[0]


def test_a_question_without_a_term_is_asked_as_it_is() -> None:
    llm = ScriptedLLM(["Paris"])
    answer = strategies.get(f"defined_terms({TERMS!r})").run(Problem("What is the capital of France?"), llm)
    assert answer.value == "Paris"
    assert [turn.role for turn in llm.requests[0].messages] == ["user"]
    assert "none of the terms" in str(answer.trace.to_json())


def test_no_term_is_made_up() -> None:
    llm = ScriptedLLM([])
    with pytest.raises(UsageError, match="must not be empty"):
        strategies.get("defined_terms").run(CLOT, llm)
    assert llm.requests == []
    with pytest.raises(SpecError, match="terms must be"):
        strategies.get("defined_terms(terms=3)")


def test_terms_from_a_file(tmp_path: Path) -> None:
    for name, text in (("terms.json", json.dumps(TERMS)), ("terms.toml", 'DVT = "a blood clot in a deep vein"')):
        (tmp_path / name).write_text(text)
        llm = ScriptedLLM(["a clot"])
        strategies.get(f"defined_terms({str(tmp_path / name)!r})").run(CLOT, llm)
        assert "DVT: a blood clot" in llm.prompts[0]
    for name, text in (("bad.json", "[1]"), ("bad.toml", "DVT = 3"), ("worse.json", "{"), ("worse.toml", "=")):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match=name):
            strategies.get(f"defined_terms({str(tmp_path / name)!r})").run(CLOT, ScriptedLLM([]))
    with pytest.raises(InputError, match=r"nowhere\.json"):
        strategies.get("defined_terms('nowhere.json')").run(CLOT, ScriptedLLM([]))


@pytest.mark.parametrize("reply", ["", "I do not know."])
def test_no_answer_stays_none(reply: str) -> None:
    answer = strategies.get(f"defined_terms({TERMS!r})").run(CLOT, ScriptedLLM([reply]))
    assert (answer.state, answer.value) == ("unparsed", None)


def test_a_used_up_budget_is_a_clear_state() -> None:
    answer = strategies.get(f"defined_terms({TERMS!r})").run(CLOT, ScriptedLLM([]), budget=Budget(calls=0))
    assert (answer.state, answer.usage.calls) == ("unparsed", 0)
