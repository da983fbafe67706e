"""The fingerprint of a strategy: the same in every process, another after every change that matters."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import reasoning
from reasoning.benchmarks.experiment import named_strategies
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.runs.fingerprint import fingerprint
from reasoning.benchmarks.runs.runner import missing_keys
from reasoning.chain import Chain, Step
from reasoning.prompts import Prompt

get = reasoning.strategies.get
SPECS = ["vanilla", "cot(shots=2)", "self_consistency(cot, samples=3)", "telecom_feedback"]


def test_it_is_the_same_in_another_process() -> None:
    code = "import reasoning as r; from reasoning.benchmarks.runs.fingerprint import fingerprint as f; import sys;"
    code += "print(*[f(r.strategies.get(spec)) for spec in sys.argv[1:]])"
    run = subprocess.run([sys.executable, "-c", code, *reversed(SPECS)], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [fingerprint(get(spec)) for spec in reversed(SPECS)]


def test_parameters_and_prompts_count() -> None:
    cot = get("cot")
    changed = [cot, get("cot(shots=2)"), cot.replace(one_stage=Prompt(input="{problem} Think!")), get("vanilla")]
    assert len({fingerprint(one) for one in changed}) == len(changed)
    inner = [get("self_consistency(cot, samples=3)"), get("self_consistency(vanilla, samples=3)")]
    assert fingerprint(inner[0]) != fingerprint(inner[1])


@pytest.mark.parametrize(
    "spec",
    [
        "react(retriever='{folder}')",
        "self_consistency(chain_of_verification(retriever=Index('{folder}')), samples=3)",
        "chain_of_knowledge(sources={{'law': ('wikipedia', '{folder}')}})",
    ],
)
def test_texts_that_are_searched_count(spec: str, tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text("Herons eat frogs.")
    strategy = get(spec.format(folder=tmp_path))
    before = fingerprint(strategy)
    note.touch()
    assert fingerprint(strategy) == before
    note.write_text("Herons eat fish.")
    assert fingerprint(strategy) != before
    note.unlink()
    assert fingerprint(strategy) != before


def test_steps_of_a_chain_count_though_its_name_does_not_change() -> None:
    chains = [Chain(Step("a", Prompt(input=f"{{problem}} {word}"))) for word in ("yes", "no")]
    assert repr(chains[0]) == repr(chains[1])
    assert fingerprint(chains[0]) != fingerprint(chains[1])


def test_the_code_counts_and_that_of_its_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "homemade"
    package.mkdir()
    (package / "__init__.py").touch()
    words, mine = package / "words.py", package / "mine.py"
    words.write_text("def end(): return ' please'\n")
    mine.write_text(
        "from homemade.words import end\n"
        "from reasoning.strategy import Strategy, technique\n"
        "@technique(title='Mine', calls='1')\n"
        "class Mine(Strategy):\n"
        "    'Ask.'\n"
        "    async def solve(self, problem, session):\n"
        "        return problem.parse(await session.ask(problem.question + end()))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from homemade.mine import Mine  # type: ignore[import-not-found]

    prints = [fingerprint(Mine())]
    for path in (mine, words):
        path.write_text(path.read_text() + "\n# changed\n")
        prints.append(fingerprint(Mine()))
    assert len(set(prints)) == 3


def test_bundled_demonstrations_count_where_they_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = ["cot(shots=2)", "cot"]
    before = [fingerprint(get(spec)) for spec in specs]
    monkeypatch.setattr("reasoning.benchmarks.runs.fingerprint._bundled_demonstrations", lambda strategy: "others")
    after = [fingerprint(get(spec)) for spec in specs]
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_further_demonstrations_count_only_for_what_shows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    showing = [
        "cot(shots=2, demonstrations='spatial')",
        "complex_cot",
        "contrastive_cot",
        "chain_of_symbol",
        "least_to_most",
    ]
    before = {spec: fingerprint(get(spec)) for spec in ["cot(shots=2)", *showing]}
    monkeypatch.setattr("reasoning.benchmarks.runs.fingerprint._DATA_SUFFIXES", set())
    assert [spec for spec, known in before.items() if fingerprint(get(spec)) != known] == showing


def test_the_librarys_source_does_not_count_but_a_version_does(monkeypatch: pytest.MonkeyPatch) -> None:
    vote = get("self_consistency(cot, samples=3)")
    before = fingerprint(vote)
    monkeypatch.setattr(Path, "read_text", lambda path, **how: "another source")
    assert fingerprint(vote) == before
    inner = vote.base  # type: ignore[attr-defined]
    monkeypatch.setattr(type(inner), "card", replace(inner.card, version=inner.card.version + 1))
    assert fingerprint(vote) != before


def test_a_function_without_a_file_counts_with_its_code() -> None:
    def chain(source: str) -> Chain:
        names: dict[str, Any] = {"__name__": "notebook"}
        exec(source, names)  # noqa: S102  # as a cell of a notebook
        return Chain(Step("a", Prompt(input="{problem}"), check=names["check"]))

    codes = [
        "def check(value): return value != 3",
        "def check(value): return value != 4",
        "def check(v): return v != 3",
    ]
    prints = [fingerprint(chain(code)) for code in codes]
    assert prints[0] != prints[1]
    assert prints[0] == fingerprint(chain(codes[0]))


def test_the_results_of_the_documentation_are_complete() -> None:
    store = ResultsFolder.read(Path(__file__).parents[3] / "docs/research/example")
    named = named_strategies(store.specs)
    assert missing_keys(store, list(store.examples), named) == []
