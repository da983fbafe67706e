"""Specs, the shelf, cards and plug-ins."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reasoning import strategies
from reasoning.chain import Chain
from reasoning.errors import SpecError, UnknownName, UsageError
from reasoning.registry import places


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ("vanilla", "vanilla"),
        ("cot()", "cot"),
        ("cot(shots=4)", "cot(shots=4)"),
        ("cot(4)", "cot(shots=4)"),
        ("chain_of_thought", "cot"),
        ("self_consistency(pot, samples=10, temperature=0.5)",
         "self_consistency(program_of_thoughts, samples=10, temperature=0.5)"),
        ("sc(base=sc(cot, samples=2), samples=3)", "self_consistency(self_consistency(cot, samples=2), samples=3)"),
        ("self_consistency", "self_consistency(cot)"),
        ("cot(trigger='First,')", "cot(trigger='First,')"),
        ("  telecom_feedback ", "telecom_feedback"),
    ],
)  # fmt: skip
def test_a_spec_and_its_repr(spec: str, shown: str) -> None:
    strategy = strategies.get(spec)
    assert repr(strategy) == shown
    assert strategies.get(shown) == strategy
    assert strategies.get(strategy) is strategy


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("vanila", UnknownName, r"unknown strategy 'vanila' at column 1 of 'vanila'; did you mean 'vanilla'\?"),
        ("sc(vanila, samples=5)", UnknownName, r"unknown strategy 'vanila' at column 4.*did you mean 'vanilla'"),
        ("cot(shot=4)", UnknownName, r"unknown parameter 'shot' of cot at column 10.*did you mean 'shots'"),
        ("cot(shots='four')", SpecError, r"shots must be int, got str"),
        ("cot(shots=-1)", SpecError, r"shots must be at least 0"),
        ("cot(stages=3)", SpecError, r"stages must be"),
        ("sc(cot, samples=True)", SpecError, r"samples must be int, got bool"),
        ("sc(samples=0)", SpecError, r"samples must be at least 1"),
        ("cot(1, shots=2)", SpecError, r"cot gets shots twice"),
        ("cot(**x)", SpecError, r"name=value"),
        ("cot(", SpecError, r"never closed"),
        ("cot + vanilla", SpecError, r"a name or a call"),
        ("__import__('os').system('true')", SpecError, r"a name or a call"),
        ("cot.run", SpecError, r"a name or a call"),
        ("telecom_feedback(x=1)", SpecError, r"takes no parameters"),
        ("", UsageError, r"named by a spec"),
    ],
)
def test_what_is_wrong_with_a_spec_is_said_and_where(spec: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        strategies.get(spec)


def test_a_list_of_specs_is_split_at_its_own_commas() -> None:
    assert strategies.split("vanilla, cot,sc(cot(shots=4), samples=5)") == [
        "vanilla",
        "cot",
        "sc(cot(shots=4), samples=5)",
    ]
    with pytest.raises(SpecError, match=r"vanilla, cot\("):
        strategies.split("vanilla, cot(")
    with pytest.raises(UsageError, match="no strategy"):
        strategies.split(" ")


def test_every_card_is_complete() -> None:
    cards = strategies.catalogue()
    assert list(cards)[:5] == ["vanilla", "cot", "self_consistency", "least_to_most", "program_of_thoughts"]
    for name, card in cards.items():
        assert card.name == name
        assert card.title
        assert card.summary
        if name != "telecom_feedback":
            assert card.authors
            assert card.arxiv or card.doi
            assert card.use_when
            assert card.avoid_when
        assert strategies.get(name).card == card


def test_every_technique_says_how_many_calls_follow_one_another_in_names_that_are_explained() -> None:
    techniques = {name: strategy for name in places() if not isinstance(strategy := strategies.get(name), Chain)}
    assert [name for name, strategy in techniques.items() if not strategy.card.rounds] == []
    for name, strategy in techniques.items():
        formula = ast.parse(str(strategy.card.rounds), mode="eval")
        names = {node.id for node in ast.walk(formula) if isinstance(node, ast.Name)}
        explained = ", ".join(re.findall(r"((?:\w+, )*\w+): ", strategy.card.counts)).split(", ")
        assert names <= {*explained, *(parameter for parameter, _ in strategy.parameters())}, name


def test_a_strategy_from_a_file_outside_the_project_through_an_entry_point(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from reasoning import Answer, Problem, Session, Strategy, technique\n\n"
        "@technique(title='Shout', calls='1')\n"
        "class Shout(Strategy):\n"
        "    '''Ask loudly.'''\n\n"
        "    times: int = 1\n\n"
        "    async def solve(self, problem: Problem, session: Session) -> Answer:\n"
        "        return problem.parse(await session.ask(problem.question.upper() + '!' * self.times))\n"
    )
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[reasoning.strategies]\nshout = mine:Shout\nbroken = nowhere:Nothing\ncot = mine:Shout\n"
    )
    code = (
        "import warnings\n"
        "from reasoning import strategies\n"
        "from reasoning.testing import ScriptedLLM\n"
        "llm = ScriptedLLM(['The answer is yes.'])\n"
        "print(repr(strategies.get('sc(shout(times=2), samples=1)')))\n"
        "print(strategies.get('shout(times=2)').run('why?', llm).value, llm.prompts)\n"
        "print(strategies.get('cot').card.title)\n"
        "with warnings.catch_warnings(record=True) as said:\n"
        "    print('shout' in strategies.catalogue(), said[0].message)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "self_consistency(shout(times=2), samples=1)",
        "yes ['user: WHY?!!']",
        "Chain of thought",
        "True the entry point 'broken' of reasoning.strategies (nowhere:Nothing) cannot be imported: "
        "ModuleNotFoundError: No module named 'nowhere'",
    ]
