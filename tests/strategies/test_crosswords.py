"""Tree of thoughts on 5 x 5 crosswords."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.errors import UsageError
from reasoning.messages import Message
from reasoning.strategies.search.crosswords import Crosswords
from reasoning.testing import ScriptedLLM
from reasoning.trace import Trace
from tests import call_counts
from tests.strategies.crossword_examples import SQUARES, agreement

SQUARE, SYMMETRIC = SQUARES
PROBLEM = SQUARE.problem
EMPTY = ("_____",) * 5
PAPER = "tree_of_thoughts(search='dfs', depth=10, children=3, draws=8, judgements=1)"


def test_the_squares_are_squares() -> None:
    for one in SQUARES:
        rows = one.target
        assert [len(row) for row in rows] == [5] * 5
        assert Crosswords().fits(one.problem)
        assert one.score(tuple(rows))
    columns = ["".join(column) for column in zip(*SQUARE.target, strict=True)]
    assert columns == ["SCARF", "CAROL", "ENSUE", "NOOSE", "TENET"]
    assert ["".join(column) for column in zip(*SYMMETRIC.target, strict=True)] == SYMMETRIC.target


def test_words_are_ordered_by_their_sureness_over_all_replies() -> None:
    task = Crosswords()
    replies = [
        "h1. SCENT (low)\nv1. scarf (high)\nh2. TOOLONG (certain)\nh9. WORDS (certain)",
        "V1. Scarf (high)\nh1. AROMA (medium)\nNothing else.\nh1. smell",
    ]
    grids = task.parse_proposals(PROBLEM, EMPTY, replies)
    assert grids[0] == ("S____", "C____", "A____", "R____", "F____")
    assert [grid[0] for grid in grids[1:]] == ["AROMA", "SCENT", "SMELL"]


def test_a_filled_letter_is_not_overwritten_and_a_word_that_is_there_is_no_move() -> None:
    task = Crosswords()
    grid = ("SCENT", *EMPTY[1:])
    found = task.parse_proposals(
        PROBLEM, grid, ["v1. SCARF (low)\nv2. FAROL (certain)\nh1. SCENT (certain)\nh1. OTHER"]
    )
    assert found == [("SCENT", "C____", "A____", "R____", "F____")]


def test_only_clues_with_two_letters_are_judged_and_one_that_is_impossible_prunes() -> None:
    task = Crosswords()
    assert task.judge(PROBLEM, EMPTY) == []
    assert len(task.judge(PROBLEM, ("SCENT", *EMPTY[1:]))) == 1  # the word itself; the columns have one letter
    prompts = task.judge(PROBLEM, ("SCENT", "CANOE", *EMPTY[2:]))
    assert len(prompts) == 2 + 5
    assert prompts[2].messages[-1].content == "It keeps the neck warm: S C _ _ _"
    assert task.value([]) == 1
    assert task.value(["fits\nsure", "hm\nmaybe", "what?"]) == 2
    assert task.value(["sure", "No.\nimpossible"]) == 0


def reader(turns: tuple[Message, ...]) -> str:
    """Knows all the words, and first thinks of two wrong ones."""
    said = turns[-1].content
    rows = SQUARE.target
    words = {f"h{i}": row for i, row in enumerate(rows, 1)}
    words |= {f"v{i}": "".join(column) for i, column in enumerate(zip(*rows, strict=True), 1)}
    if "Not filled in yet" in said:
        missing = re.findall(r"^([hv][1-5])\.", said.partition("Filled in:")[0], re.M)
        wrong = "h1. SMELL (certain)\n" if "(none)" in said else ""
        return wrong + "\n".join(f"{place}. {words[place]} (high)" for place in missing)
    letters = said.rpartition(": ")[2].replace(" ", "").replace("_", ".")
    return "x\nsure" if any(re.fullmatch(letters, word) for word in words.values()) else "x\nimpossible"


def test_a_crossword_is_solved_depth_first() -> None:
    llm = ScriptedLLM(reader, latency=0.01)
    strategy = strategies.get(PAPER)
    answer = strategy.run(PROBLEM, llm)
    assert SQUARE.score(answer.value)
    assert answer.text == "The answer is SCENT; CANOE; ARSON; ROUSE; FLEET"
    asked = [request.messages[-1].content for request in llm.requests]
    judged = sum("Not filled in yet" not in said for said in asked)
    assert llm.calls == call_counts.calls(strategy, x=len(asked) - judged, j=judged)
    stages = [stage for stage in answer.trace.events if isinstance(stage, Trace) and list(stage.calls())]
    states = sum(stage.name.startswith("state") for stage in stages)
    assert llm.rounds == call_counts.rounds(strategy, g=len(stages) - states, w=states)
    assert judged == len(set(asked) - {said for said in asked if "Not filled in yet" in said})  # each once
    assert "SMELL" not in asked[2]  # pruned at once
    assert llm.peak_concurrency > 1  # the clues of a state are checked together


def test_what_stays_empty_is_shown_and_scored() -> None:
    llm = ScriptedLLM(lambda turns: "h1. SCENT (high)" if "(none)" in turns[-1].content else "no more words")
    answer = strategies.get(PAPER).run(PROBLEM, llm)
    assert answer.value == ("SCENT", "?????", "?????", "?????", "?????")
    assert not SQUARE.score(answer.value)
    assert agreement(answer.value, SQUARE.target) == (0.2, 0.1)
    assert agreement(SQUARE.target, SQUARE.target) == (1, 1)


def test_a_question_without_ten_clues_is_refused() -> None:
    short = Problem("h1. Fish\nv1. Bird", kinds.Items())
    assert not Crosswords().fits(short)
    with pytest.raises(UsageError, match="the question has 2"):
        strategies.get("tot(task='crosswords')").run(short, ScriptedLLM([]))
    assert Crosswords().fits(replace(PROBLEM, id="x"))
