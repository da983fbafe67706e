"""Short names for strategies: readable, never two alike, and nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from reasoning.benchmarks.analysis import inspect_results
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.summary import summarize
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.results.short_names import MAX_LENGTH, ShortNames
from reasoning.benchmarks.runs.listeners import RunStart
from reasoning.benchmarks.runs.progress import RunProgress
from reasoning.problem import Example
from reasoning.testing import ScriptedLLM

TREE = "tree_of_thoughts(task='game24', breadth={}, children=4, judgements=1)"
GUIDED = "guided(terms={'churn': 'a customer who leaves', 'arpu': 'revenue per user'})"


def named(*specs: str) -> list[str]:
    return list(ShortNames.of(specs).by_spec.values())


def test_a_spec_that_is_not_long_is_its_own_name() -> None:
    specs = ["vanilla", "cot(stages=1)", "self_consistency(cot, samples=5)"]
    assert named(*specs) == specs
    assert ShortNames.of(specs).legend == []


def test_of_a_long_one_what_tells_it_from_the_others_is_shown() -> None:
    assert named(TREE.format(2), "cot") == ["tree_of_thoughts(task='game24', …)", "cot"]
    assert named(TREE.format(2), TREE.format(5)) == [f"tree_of_thoughts(breadth={k}, …)" for k in (2, 5)]
    inside = [f"self_consistency(cot(shots={k}, stages=1), samples=20)" for k in (4, 8)]
    assert named(*inside) == [f"self_consistency(cot(shots={k}, …), …)" for k in (4, 8)]
    assert named(GUIDED) == ["guided(terms={'churn': 'a…})"]


def test_a_long_text_is_cut_where_it_is_told_from_the_others() -> None:
    prompts = [f"cot(trigger='Think {how}, step by step.')" for how in ("calmly", "slowly")]
    assert named(*prompts) == ["cot(trigger='Think calmly…')", "cot(trigger='Think slowly…')"]
    alike = [f"cot(trigger='Think about it once more, {how}, please.')" for how in ("calmly", "slowly")]
    assert named(*alike) == [f"cot(trigger='Think about it once more, {how}…')" for how in ("calmly", "slowly")]


words = st.text("abc_ ='\"(),{}[]…\n", max_size=60)
calls = st.builds(
    lambda name, given: f"{name}({', '.join(f'{key}={value!r}' for key, value in given.items())})",
    st.sampled_from(["cot", "tree_of_thoughts", "self_consistency"]),
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3) | words, max_size=4),
)


@given(st.lists(calls | words, max_size=8, unique=True))
def test_no_two_are_alike_and_the_legend_has_what_is_not_shown(specs: list[str]) -> None:
    names = ShortNames.of(specs)
    assert list(names.by_spec) == specs
    assert len(set(names.by_spec.values())) == len(specs)
    assert names.legend == [f"{name} = {spec}" for spec, name in names.by_spec.items() if name != spec]
    assert all(name == spec for spec, name in names.by_spec.items() if len(spec) <= MAX_LENGTH)


def test_sentences_call_them_by_their_names() -> None:
    names = ShortNames.of([TREE.format(2), TREE.format(5), "cot"])
    said = names(f"Best: {TREE.format(5)}, 3 of 4 right. Not significantly different: cot and {TREE.format(2)}.")
    assert said == (
        "Best: tree_of_thoughts(breadth=5, …), 3 of 4 right. "
        "Not significantly different: cot and tree_of_thoughts(breadth=2, …)."
    )


def test_a_table_fits_a_terminal_and_says_what_the_names_stand_for() -> None:
    specs = [TREE.format(2), TREE.format(5), GUIDED]
    made = [Result(f"p{k}", spec, "f", "answered", k > 0) for spec in specs for k in range(4)]
    found = Comparison("t", "m", 4, tuple(summarize(made, specs)), results=tuple(made))
    console = Console(file=StringIO(), width=120, color_system=None)
    console.print(found.table())
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "tree_of_thoughts(breadth=2, …)" in shown
    assert "judgements" not in shown
    narrow = Console(file=StringIO(), width=78, color_system=None)
    narrow.print(found.table())
    lines = narrow.file.getvalue().splitlines()  # type: ignore[attr-defined]
    first = next(place for place, line in enumerate(lines) if line.startswith("tree_of_thoughts( "))
    assert lines[first + 1].startswith("  breadth=2, …) ★")
    for text in (str(found), found._repr_html_()):
        for spec in specs:
            assert text.replace("&#x27;", "'").count(spec) == (1 if text == str(found) else 2)  # and under the pointer


def test_a_strategy_is_found_by_its_name(sums: Callable[[int], list[Example]]) -> None:
    store = ResultsFolder.open(None, {"task": "t", "model": "m"}, {})
    store.add_examples(sums(1))
    store.register_strategies([TREE.format(2), TREE.format(5)])
    console = Console(file=StringIO(), width=200, color_system=None)
    console.print(inspect_results.show_problem(store, "sum-1", "tree_of_thoughts(breadth=5, …)"))
    assert TREE.format(5) in console.file.getvalue()  # type: ignore[attr-defined]


def test_progress_has_the_same_names(sums: Callable[[int], list[Example]]) -> None:
    display, specs = RunProgress(shown=False), [TREE.format(2), TREE.format(5)]
    store = ResultsFolder.open(None, {"task": "t", "model": "m"}, {})
    store.add_examples(sums(1))
    display.on_start(
        RunStart("t · 1 problem · m", ScriptedLLM([]), specs, [ResultKey("sum-1", spec) for spec in specs])
    )
    display.on_result(Result("sum-1", specs[0], "f", "answered", True))
    console = Console(file=StringIO(), width=80, color_system=None)
    console.print(display._picture())
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert [line.split()[:2] for line in shown.splitlines()[-2:]] == [
        [f"tree_of_thoughts(breadth={k},", "…)"] for k in (2, 5)
    ]


def test_progress_never_shows_two_strategies_by_the_same_name(sums: Callable[[int], list[Example]]) -> None:
    display = RunProgress(shown=False)
    specs = [f"self_consistency(program_of_thoughts(shots={k}, repairs=2), samples=5)" for k in (3, 4, 5)]
    display.on_start(RunStart("t", ScriptedLLM([]), specs, [ResultKey("sum-1", spec) for spec in specs]))
    for width in (40, 60, 80):
        console = Console(file=StringIO(), width=width, color_system=None)
        console.print(display._picture())
        shown = console.file.getvalue().splitlines()[-3:]  # type: ignore[attr-defined]
        assert len({line.split("  ")[0] for line in shown}) == 3
        assert all("0/1" in line for line in shown)
