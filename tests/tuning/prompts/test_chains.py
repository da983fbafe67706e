"""Chains: their steps' prompts are tuned by the checks of their cases, and judges count."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasoning import Budget, Chain, Prompt, Step, kinds
from reasoning.benchmarks.chains.suite import load_suite
from reasoning.messages import Message
from reasoning.testing import ScriptedLLM
from reasoning.tuning import optimise
from reasoning.tuning.prompts.pools import PoolSizes

WORDS = [f"note {k} is {'glad' if k % 2 else 'sad'} about thing {k * 37}" for k in range(40)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    tone = Step("tone", Prompt(objective="Name the tone.", input="{note}"), returns=kinds.Label(("good", "bad")))
    reply = Step("reply", Prompt(objective="Answer the note.", input="{note} {tone}"))
    Chain(tone, reply, name="notes").save(folder)
    cases = [
        f'[[case]]\nid = "n{k}"\ninput = "{word}"\n[case.gold]\ntone = "{"good" if k % 2 else "bad"}"\n'
        for k, word in enumerate(WORDS)
    ]
    (folder / "tests").mkdir()
    (folder / "tests" / "cases.toml").write_text("\n".join(cases))
    return folder


def script(messages: tuple[Message, ...]) -> str:
    text, asked = "\n".join(turn.content for turn in messages), messages[-1].content
    if "You judge answers by a rubric" in text:
        return "The answer is met." if "kindly" in asked else "The answer is not met."
    if "Write a better text" in text:
        return "Answer kindly." if "notes.reply" in text else "Look for glad and sad."
    if "Name the tone" in text or "Look for glad" in text:
        knows = "Look for glad" in text or len(messages) > 2
        right = "good" if "glad" in asked else "bad"
        return right if knows else "bad"
    return "Answer: kindly" if "Answer kindly" in text else "Answer: no"


def test_the_steps_of_a_chain_are_tuned_by_their_checks(folder: Path, tmp_path: Path) -> None:
    llm = ScriptedLLM(script)
    suite = load_suite(folder, "none")
    outcome = optimise(
        suite.chain, suite, llm, budget=Budget(calls=900), sizes=PoolSizes(8, 12, 20), out=tmp_path / "out"
    )
    assert outcome.decision == "use the tuned prompts", outcome.verdict
    assert "notes.tone" in outcome.changes
    assert "No plainer use of as many tokens was compared" in outcome.verdict
    saved = Chain.load(tmp_path / "out" / "chain")
    assert saved.step("tone").prompt == outcome.strategy.step("tone").prompt  # type: ignore[attr-defined]
    assert outcome.total.calls == llm.calls <= 900
    assert f"reasoning chain run {tmp_path / 'out' / 'chain'} FILE" in (tmp_path / "out" / "README.md").read_text()


def test_judges_are_paid_from_the_budget_of_the_search(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    with (folder / "tests" / "cases.toml").open("a") as file:
        file.write('\n[[check]]\non = "reply"\njudge = "The reply is kind."\n')
    suite = load_suite(folder, "none")
    llm = ScriptedLLM(script)
    # Few calls: they end in the middle, and a judge's call counts as any other.
    outcome = optimise(
        *(suite.chain, suite, llm), budget=Budget(calls=1_400), sizes=PoolSizes(6, 8, 10), method="bayesian"
    )
    assert llm.calls <= 1_400
    assert outcome.total.calls == llm.calls
    assert any("You judge answers" in text for text in llm.prompts)
    assert outcome.candidates > 0
