"""Replies that repeat themselves: the marked ones, the ordinary ones, and where they are counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoning import Problem, kinds, strategies
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.experiment import compare
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result
from reasoning.display import trace_html
from reasoning.messages import Completion
from reasoning.problem import Example
from reasoning.repetition import MIN_CHARS, MIN_TIMES, find_repetition, repeats_itself
from reasoning.testing import ScriptedLLM

LOOP = "Let me see.\n" + "The coin is heads up. Then it is tails up. " * 20
STEPS = "".join(f"{i}. Identify the last letter of the next word in the list.\n" for i in range(3, 30))
BLOCKS = "".join(f"{i}. **Uma:** she leaves the coin as it is.\n   - It stays heads up.\n\n" for i in range(1, 20))
CUT = [LOOP, LOOP[:-17], STEPS, STEPS[:-31], BLOCKS, BLOCKS[:-20], "v " * 300, "\n" + "=" * 250]


@pytest.mark.parametrize("text", CUT)
def test_a_circle_is_found_also_if_it_is_cut_within_its_last_turn(text: str) -> None:
    found = find_repetition(text)
    assert found is not None
    assert found.times >= MIN_TIMES
    assert MIN_CHARS <= found.chars <= len(text)


ORDINARY = {
    "short": "no, " * 40,
    "three times": "We go on with the next step of the plan, which is as long as the others are. " * 3,
    "table": "".join(f"| {2000 + i} | {i * i} | {'north' if i % 3 else 'south'} |\n" for i in range(60)),
    "empty table": "".join("|  |  |\n" for _ in range(20)),
    "multiplication": "".join(f"7 * {i} = {7 * i}\n" for i in range(1, 25)),
    "enumeration": "".join(f"{i}. {word} is a town in the valley.\n" for i, word in enumerate("ABCDEFGHIJKLM", 1)),
    "program": "x = 1\nfor i in range(3):\n    x = x * 2\nprint(x)\n" * 3,
    "squares": "".join(f"The square of {i} is {i * i}, and the next one is larger than that.\n" for i in range(30)),
    "a circle that was left": LOOP + "So the answer is tails, since the number of flips is even and it began as heads.",
    "empty": "",
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_texts_are_not_marked(name: str) -> None:
    assert find_repetition(ORDINARY[name]) is None


def test_only_replies_that_a_limit_cut_off_are_marked() -> None:
    assert repeats_itself(Completion(LOOP, "length"))
    assert not repeats_itself(Completion(LOOP, "stop"))
    assert not repeats_itself(Completion("x", "length"))
    assert repeats_itself(Completion("", "length", reasoning=LOOP))


@settings(deadline=None)
@given(st.text(alphabet="ab1", min_size=1, max_size=9), st.text(alphabet="ab\n12", max_size=30), st.integers(0, 8))
def test_a_stretch_that_is_repeated_often_is_found_after_any_beginning(stretch: str, before: str, cut: int) -> None:
    text = before + stretch * (MIN_CHARS + 50)
    assert find_repetition(text[: len(text) - cut % len(stretch)]) is not None


@settings(deadline=None)
@given(st.text(alphabet="ab", min_size=1, max_size=9), st.text(alphabet="ab", max_size=300), st.integers(1, 80))
def test_an_exact_repetition_is_found_as_by_trying_every_length(stretch: str, before: str, times: int) -> None:
    text = before + stretch * times
    backwards, expected = text[::-1], False
    for length in range(1, len(text)):
        pairs = zip(backwards, backwards[length:], strict=False)
        same = next((n for n, (one, other) in enumerate(pairs) if one != other), len(text) - length)
        expected |= length + same >= max(MIN_CHARS, MIN_TIMES * length)
    assert (find_repetition(text) is not None) == expected


@pytest.mark.parametrize("text", ["ab" * 500_000, "a" * 1_000_000, "1\n" * 500_000, "ab" * 499_999 + "x", "\n" * 10**6])
def test_a_million_characters_cost_no_more_than_the_end_of_them(text: str) -> None:
    assert find_repetition(text) == find_repetition(text[-20_000:])


def test_it_is_marked_counted_and_told(tmp_path: Path) -> None:
    def reply(messages: object) -> Completion:
        return Completion(LOOP, "length") if "first" in str(messages) else Completion("The answer is 2.")

    examples = [Example(Problem(f"the {one}?", kinds.Number(), id=one), 2) for one in ("first", "second", "third")]
    compare(["cot", "vanilla"], examples, ScriptedLLM(reply), out=tmp_path / "run")
    store = ResultsFolder.read(tmp_path / "run")
    comparison = Comparison.from_folder(store)
    told = "Answers with a reply that repeats itself until a limit cuts it off: cot 1 of 3, vanilla 1 of 3."
    assert told in comparison.caveats
    assert [row.to_json()["repetitive"] for row in comparison.rows] == [1, 1]
    stored = next(result for result in store.results.values() if result.problem == "first").to_json()
    assert Result.from_json(stored).repetitive == 1
    assert Result.from_json({name: value for name, value in stored.items() if name != "repetitive"}).repetitive == 0
    answer = strategies.get("cot").run("the first?", ScriptedLLM(reply))
    assert answer.trace is not None
    assert "cut off by max_tokens, repeats itself" in trace_html(answer.trace)
