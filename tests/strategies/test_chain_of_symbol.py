"""Chain of symbol: examples in symbols, a legend, one call."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from reasoning import Budget, Problem, kinds, strategies
from reasoning.errors import UsageError
from reasoning.prompts import Demonstration
from reasoning.strategies.cli import strategies_app
from reasoning.strategies.demonstrations import WorkedExample, shipped_examples
from reasoning.strategies.demonstrations.worked_example import shipped_sets
from reasoning.strategies.thought.chain_of_symbol import SYMBOLS, ChainOfSymbol
from reasoning.testing import ScriptedLLM
from reasoning.token_estimate import estimate_tokens
from tests import call_counts

BOXES = Problem("Box Q is on box R, and box R is on box S. Which one is at the bottom?", options=["Q", "R", "S"])


@pytest.mark.parametrize(
    ("spec", "shots"),
    [("chain_of_symbol", 5), ("cos(shots=2)", 2), ("cos(shots=3, demonstrations=Pool('spatial', 'similar'))", 3)],
)
def test_one_call_with_so_many_examples_in_symbols(spec: str, shots: int) -> None:
    llm = ScriptedLLM(["S//R//Q\nThe answer is C."])
    strategy = strategies.get(spec)
    assert strategy.run(BOXES, llm).value == "C"
    assert llm.calls == call_counts.calls(strategy) == 1
    assert llm.rounds == call_counts.rounds(strategy)
    replies = [turn.content for turn in llm.requests[0].messages if turn.role == "assistant"]
    known = {f"{one.symbols}\nThe answer is {one.answer}.": one for one in shipped_examples("spatial_choice")}
    assert len(replies) == shots
    assert set(replies) <= set(known)
    assert not any(known[reply].rationale in llm.prompts[0] for reply in replies)


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        (kinds.Text(), ["red, green", "Vik", "east", "suitcase", "east"]),
        (kinds.Items(sep=","), ["red, green", "Vik", "east", "suitcase", "east"]),
        (kinds.Items(), ["red; green", "Vik", "east", "suitcase", "east"]),
        (kinds.Items(sep=" -> "), ["red ->  green", "Vik", "east", "suitcase", "east"]),
        (kinds.Number(), ["350", "2", "3", "5", "20"]),
        (kinds.YesNo(), ["yes", "no", "yes", "no", "yes"]),
        (kinds.Choice(["x", "y", "z", "u"]), ["C", "A", "B", "D", "B"]),
        (kinds.Choice(["x", "y", "z", "u"], labels=["1", "2", "3", "4"]), ["3", "1", "2", "4", "2"]),
    ],
    ids=repr,
)
def test_the_demonstrations_have_the_answers_and_the_separator_of_the_kind(
    kind: kinds.Kind, answers: list[str]
) -> None:
    llm = ScriptedLLM(["…"])
    strategies.get("cos").run(Problem("Which boxes?", kind), llm)
    replies = [turn.content for turn in llm.requests[0].messages if turn.role == "assistant"]
    assert [reply.splitlines()[-1] for reply in replies] == [f"The answer is {answer}." for answer in answers]
    assert all(kind.show(kind.parse(reply)) == answer for reply, answer in zip(replies, answers, strict=True))


def test_a_kind_without_spatial_demonstrations_says_so() -> None:
    with pytest.raises(UsageError, match="no worked example is shipped for answers of kind 'date'"):
        strategies.get("cos").run(Problem("When?", kinds.Date()), ScriptedLLM([]))


@pytest.mark.parametrize("kind", [kinds.Number(), kinds.Items(), kinds.Choice(["C", "A", "B"])])
def test_what_an_answer_looks_like_is_said_behind_the_problem(kind: kinds.Kind) -> None:
    llm = ScriptedLLM(["…"])
    strategies.get("cos").run(Problem("Which boxes?", kind), llm)
    assert llm.requests[0].messages[-1].content.endswith(kind.instruction())


def test_what_saves_nothing_says_nothing_of_saving() -> None:
    longer = WorkedExample("Where?", "left", "It is left.", symbols="A < B < C < D < E < F; F; E; D")
    assert ChainOfSymbol(demonstrations=[longer]).saving == ""
    assert ChainOfSymbol(prompt=SYMBOLS.replace(examples=(Demonstration("a", "b"),))).saving == ""


def test_every_symbol_of_the_examples_stands_in_the_legend() -> None:
    legend = strategies.get("cos").prompt.context
    for worked in (one for name in shipped_sets() if name.startswith("spatial") for one in shipped_examples(name)):
        for symbol in ("//", " < ", "->", "["):
            assert symbol not in worked.symbols or symbol in legend


def test_examples_of_ones_own_need_symbols() -> None:
    mine = [{"question": "A before B?", "answer": "yes", "symbols": "A < B"}, {"question": "B?", "answer": "no"}]
    llm = ScriptedLLM(["A < B\nThe answer is yes."])
    strategy = strategies.get(f"cos(shots=1, demonstrations={mine!r})")
    assert strategy.run(Problem("C before D?", kinds.YesNo()), llm).value is True
    assert "A before B?" in llm.prompts[0]
    with pytest.raises(UsageError, match="only 1 worked examples are given"):
        strategy.replace(shots=2).run(Problem("C before D?", kinds.YesNo()), llm)


@pytest.mark.parametrize("reply", ["", "S//R//Q", "It is impossible to say.", "The answer is Q and R."])
def test_no_answer_stays_none(reply: str) -> None:
    answer = strategies.get("cos").run(Problem("Which?", kinds.Number()), ScriptedLLM([reply]))
    assert (answer.state, answer.value) == ("unparsed", None)


def test_a_used_up_budget_is_a_clear_state() -> None:
    answer = strategies.get("cos").run(BOXES, ScriptedLLM([]), budget=Budget(calls=0))
    assert (answer.state, answer.usage.calls) == ("unparsed", 0)


def test_what_the_symbols_save_is_counted_on_the_examples_that_are_shown() -> None:
    rows = [one for one in shipped_examples("spatial") if one.symbols][:2]
    symbols, sentences = (
        sum(map(estimate_tokens, texts)) for texts in zip(*((w.symbols, w.rationale) for w in rows), strict=True)
    )
    saving = strategies.get("cos(shots=2)").saving
    assert saving.startswith(
        f"the reasoning of 2 examples takes about {symbols} tokens in symbols and {sentences} in sentences"
    )
    assert symbols < sentences
    assert (
        "reasoning of 2 examples"
        in CliRunner().invoke(strategies_app, ["show", "cos(shots=2)"], env={"COLUMNS": "300"}).stdout
    )
    mine = [{"question": "A before B?", "answer": "yes", "symbols": "A < B"}]
    assert strategies.get(f"cos(shots=1, demonstrations={mine!r})").saving == ""
