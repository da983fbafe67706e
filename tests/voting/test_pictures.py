"""The display of votes in a notebook and in a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from reasoning import Answer, Problem, kinds, strategies
from reasoning.display import answer_tree
from reasoning.kinds import Text
from reasoning.testing import ScriptedLLM
from reasoning.voting import VoteSample, majority, vote

HOSTILE = "<b>x</b> [red]y[/red] \x1b[2J"


def terminal(answer: Answer) -> str:
    console = Console(width=120, force_terminal=False)
    with console.capture() as capture:
        console.print(answer_tree(answer))
    return capture.get()


def solved(*said: Any, **parameters: Any) -> Answer:
    strategy = strategies.get(f"sc(cot(stages=1), samples={len(said)})").replace(**parameters)
    llm = ScriptedLLM([f"The answer is {one}." for one in said])
    return strategy.run(Problem("How many?", kinds.Number()), llm)


def test_bars_are_as_long_as_shares() -> None:
    html = majority([1, 1, 1, 2], kinds.Number())._repr_html_()
    assert "width:7.50em" in html
    assert "width:2.50em;opacity" in html
    assert "3 · 75%" in html
    assert "tied" not in html
    shown = terminal(solved(1, 1, 1, 2))
    assert "█" * 15 + " 1  3 · 75%" in shown
    assert "█" * 5 + " 2  1 · 25%" in shown


def test_a_tie_is_marked_on_all_tied_candidates() -> None:
    answer = solved(1, 2, 3, 1, 2)
    for shown in (terminal(answer), answer._repr_html_()):
        assert shown.count("2 · 40% · tied") == 2
        assert "1 · 20% · tied" not in shown
        assert "a tie, the first drawn wins" in shown


def test_an_abstention_is_shown_and_no_bar_wins() -> None:
    answer = solved(1, 2, 3, 1, "not known", min_share=0.6)
    for shown in (terminal(answer), answer._repr_html_()):
        assert "no majority: 1 has 50% of the votes, min_share is 60%" in shown
        assert "1 unparsed" in shown
    assert answer._repr_html_().count("opacity:.4") == 3
    assert "unparsed: no majority" in answer._repr_html_()


def test_weights_are_shown_next_to_the_counts() -> None:
    found = vote([VoteSample("a", text="2"), VoteSample("b", text="6")], Text(), weigh=lambda draw: float(draw.text))
    assert "1, weight 6 · 75%" in found._repr_html_()


def test_text_of_a_model_is_escaped() -> None:
    html = majority([HOSTILE], Text())._repr_html_()
    assert "<b>x" not in html
    assert "&lt;b&gt;x" in html
    llm = ScriptedLLM([HOSTILE])
    answer = strategies.get("sc(vanilla, samples=1)").run(Problem("?", Text(whole=True)), llm)
    assert "[red]y[/red]" in terminal(answer)
    assert "\x1b" not in terminal(answer)
