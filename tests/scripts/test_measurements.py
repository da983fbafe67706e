"""What was measured, on the pages: rows, differences to the reference, and a vote for as many tokens, by hand."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from technique_pages import chart, tables
from technique_pages.measurements import REFERENCE, Measured, tokens_of
from technique_pages.sections import Section, read_sections

import reasoning
from reasoning.benchmarks import tasks
from reasoning.benchmarks.experiment import named_strategies
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.runs.fingerprint import fingerprint
from reasoning.messages import Completion, Usage
from reasoning.trace import Call, Trace
from tests.benchmarks.report.conftest import result


def measured(store: ResultsFolder, monkeypatch: pytest.MonkeyPatch) -> Measured:
    monkeypatch.setattr(ResultsFolder, "read", lambda folder: store)
    return Measured.of(Path("anywhere"))


def sections_of(*found: Measured) -> list[Section]:
    """Return the tables of a page with these."""
    sections: list[Section] = []
    for one in found:
        tables.add_table(sections, one)
    return read_sections(tables.results_page(sections))


def words_of(svg: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def draws(prompt: int) -> Trace:
    """Return a trace whose first call has a prompt of this number of tokens."""
    replies = Completion("", usage=Usage(1, prompt, 200)), *[Completion("", usage=Usage(1, 0, 200))] * 4
    return Trace("", [Trace("draws", [Call((), {}, replies)]), Call((), {}, (Completion(""),))])


def test_a_draw_of_a_vote_costs_its_further_calls(
    kept: Callable[..., ResultsFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = kept({}, cot="rw" * 20)
    spec = "self_consistency(cot, samples=5)"
    store.register_strategies([spec])
    for place in range(40):
        vote = result(f"p{place}", spec, "r", votes=(("1", 3), ("2", 2)), usage=Usage(8, 100, 1000))
        store.add(vote, draws(prompt=40))
    assert [vote.tokens for vote in measured(store, monkeypatch).votes] == [252, 464, 676, 888, 1100]


def test_rows_differences_and_votes(kept: Callable[..., ResultsFolder], monkeypatch: pytest.MonkeyPatch) -> None:
    words = {
        "cot": "r" * 20 + "w" * 20,
        "program_of_thoughts": "r" * 35 + "w" * 5,
        "plan_and_solve": "w" * 40,
        "vanilla": "rw" * 20,
        "tree_of_thoughts": "w" * 40,
    }
    usage = {
        "cot": Usage(1, 100, 200),
        "plan_and_solve": Usage(2, 200, 250),
        "vanilla": Usage(1, 90, 10),
        "tree_of_thoughts": Usage(90, 9000, 900),
    }
    store = kept(usage, **words)
    spec = "self_consistency(cot, samples=5)"
    store.register_strategies([spec])
    for place in range(40):
        votes = (("1", 3), ("2", 2)) if place < 30 else (("2", 4), ("1", 1))
        right = "r" if place < 30 else "w"
        store.add(result(f"p{place}", spec, right, votes=votes, usage=Usage(5, 100, 1000)), draws(prompt=100))
    found = measured(store, monkeypatch)
    assert found.against["program_of_thoughts"].difference.value == pytest.approx(0.375)
    assert found.against["plan_and_solve"].difference.value == pytest.approx(-0.5)
    assert found.against["plan_and_solve"].p < found.against["plan_and_solve"].p_adjusted < 0.05
    assert "cot" not in found.against
    assert [(vote.k, vote.tokens) for vote in found.votes] == [(1, 300), (2, 500), (3, 700), (4, 900), (5, 1100)]
    one_draw, all_draws = found.votes[0], found.votes[-1]
    assert one_draw.accuracy == pytest.approx((30 * 3 / 5 + 10 / 5) / 40)
    assert all_draws.accuracy == pytest.approx(30 / 40)
    rows = {row.strategy: row for row in found.found.comparison.rows}
    assert tokens_of(rows["plan_and_solve"]) == 450
    assert found.vote_for(rows["plan_and_solve"]) == found.votes[1]
    assert found.vote_for(rows["vanilla"]) is None
    assert found.vote_for(rows["tree_of_thoughts"]) is None
    page = tables.results_page(sections_of(found))
    lines = [line for line in page.splitlines() if line.startswith("| [`")]
    assert [line.split("`")[1] for line in lines] == [
        "program_of_thoughts", spec, "vanilla", "cot", "plan_and_solve", "tree_of_thoughts"
    ]  # fmt: skip
    assert "| **+37.5 (" in lines[0]
    assert "| **−50.0 (" in lines[4]
    assert "(k = 2, 500 tokens)" in lines[4]
    assert "one draw takes more (300)" in lines[2]
    assert "| – | 50.0 %" in lines[3]
    assert "beyond the 5 draws (1,100: 75.0 %)" in lines[5]
    assert "`least_to_most`" in page.partition("## Not measured yet")[2]
    assert "--strategies 'cot, program_of_thoughts" in page
    assert "](measured/results-ones.svg)" in page
    drawn = words_of(chart.picture(found))
    assert [word for word in drawn if word in words or word == spec] == [line.split("`")[1] for line in lines]
    assert {"● technique", "◇ a vote over cot with about as many tokens", "450 tokens", "9,900 tokens"} <= set(drawn)
    own = tables.measured_part("plan_and_solve", sections_of(found))
    assert own.count("`plan_and_solve`") == 1
    assert tables.measured_part("least_to_most", sections_of(found)) == tables.NONE


def test_without_the_reference_nothing_is_compared(
    kept: Callable[..., ResultsFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measured(kept(vanilla="rw", nobody_knows_it="rr"), monkeypatch)
    assert (dict(found.against), found.votes) == ({}, ())
    page = tables.results_page(sections_of(found))
    assert "| `nobody_knows_it` † | 100.0 % |" in page
    assert "| – | no draws |" in page
    assert not any("vote" in word for word in words_of(chart.picture(found)))


def test_a_table_takes_the_place_of_the_one_that_it_continues(
    kept: Callable[..., ResultsFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    few, other = measured(kept(vanilla="rw"), monkeypatch), measured(kept(cot="rr"), monkeypatch)
    more = measured(kept(vanilla="rw", pal="rr"), monkeypatch)
    sections = sections_of(few, other)
    assert [one.title for one in sections] == ["ones · 2 problems · m"] * 2
    assert [one.picture for one in sections] == ["results-ones.svg", "results-ones-2.svg"]
    tables.add_table(sections, more)
    assert [one.specs for one in sections] == [{"vanilla", "pal"}, {"cot"}]
    assert [one.picture for one in sections] == ["results-ones.svg", "results-ones-2.svg"]
    assert [[row.spec for row in one.rows] for one in sections] == [["pal", "vanilla"], ["cot"]]
    assert tables.results_page(read_sections(tables.results_page(sections))) == tables.results_page(sections)


def test_pictures_have_names_of_their_own() -> None:
    assert chart.file_name("jsonl:../../a b.jsonl", []) == "results-jsonl-a-b-jsonl.svg"
    assert chart.file_name("a", ["results-a-1.svg", "results-a.svg", "results-a-2.svg"]) == "results-a-3.svg"


def test_what_is_measured_can_be_named() -> None:
    text = (Path(reasoning.__file__).parent.parent / "scripts/measure").read_text(encoding="utf-8")
    told = 'measure() { printf \'%s\\0%s\\0\' "$2" "$4"; }\n'
    script = told + text[text.index('few="') :]
    said = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=True).stdout.split("\0")
    runs = list(zip(said[::2], said[1::2], strict=False))
    assert len(runs) >= 8
    named: set[str] = set()
    for name, specs in runs:
        task = tasks.get(name)
        chosen = named_strategies(specs)
        named |= {one.card.name for one in chosen.values()}
        (example,) = task.load(1, 3)
        for one in chosen.values():
            one.check_supports(example.problem.kind)
        assert any(repr(one) == REFERENCE for one in chosen.values())
    assert len(named) > 25


def test_rows_of_earlier_prompts_or_problems_are_marked(
    kept: Callable[..., ResultsFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = kept({"cot": Usage(1, 100, 200), "vanilla": Usage(1, 90, 10)}, cot="rw" * 10, vanilla="rw" * 10)
    for key, old in store.results.items():
        if key.strategy == "cot":
            store.results[key] = replace(old, fingerprint=fingerprint(reasoning.strategies.get("cot")))
    found = measured(store, monkeypatch)
    assert found.earlier == {"vanilla"}
    page = tables.results_page(sections_of(found))
    assert ".md) †" in next(line for line in page.splitlines() if line.startswith("| [`vanilla`"))
    assert "†" not in next(line for line in page.splitlines() if line.startswith("| [`cot`"))
    assert page.count("† Measured with earlier prompts") == 1
    assert "† Measured" in tables.measured_part("vanilla", sections_of(found))
    assert "†" not in tables.measured_part("cot", sections_of(found))
    store.settings = {**store.settings, "task": "coin_flip", "seed": 3}
    assert measured(store, monkeypatch).earlier == {"cot", "vanilla"}  # the task has other questions
