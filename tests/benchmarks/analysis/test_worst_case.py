"""Verdicts that a limit, a refusal or a failure could have made are withheld, with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import reasoning as r
from reasoning.benchmarks import compare
from reasoning.benchmarks.advise import advise
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.worst_case import find_incomplete
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.progress import RunProgress
from reasoning.benchmarks.tasks.in_memory import ExampleList
from reasoning.errors import CallFailed
from reasoning.messages import Completion, Message, Usage
from reasoning.testing import Reply, ScriptedLLM

N = 20


def examples(n: int = N) -> list[r.Example]:
    return [r.Example(r.Problem(f"{k} + {k}?", r.kinds.Number(), id=f"sum-{k}"), 2 * k) for k in range(n)]


def model(bad: Reply, cut: int = N, wrong: int = 0, **sampling: int) -> ScriptedLLM:
    """A model that is right step by step. Directly, it gives the bad reply first, then wrong ones, then right ones."""

    def reply(messages: tuple[Message, ...]) -> Reply:
        text = messages[0].content
        k = int(text.split(" +")[0])
        if "step by step" in text:
            return f"The answer is {2 * k}."
        return bad if k < cut else str(2 * k + (k < cut + wrong))

    return ScriptedLLM(reply, **sampling)


def compared(llm: ScriptedLLM, **options: object) -> Comparison:
    return compare(["vanilla", "cot"], examples(), llm, limit=N, progress=False, **options)  # type: ignore[arg-type]


THINKING = Completion("", "length", Usage(1, 10, 64))
HALF = Completion("Well, let us", "length", Usage(1, 10, 64))
REFUSED = Completion("", "refusal", Usage(1, 10, 0))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (
            THINKING,
            "20 of 20 answers of vanilla were cut off by the limit of 64 tokens, which thinking used up. "
            "What to do: use vanilla(max_tokens=25000).",
        ),
        (
            HALF,
            "20 of 20 answers of vanilla were cut off by the limit of 64 tokens. "
            "What to do: use vanilla(max_tokens=256).",
        ),
        (REFUSED, "20 of 20 answers of vanilla were refused."),
    ],
)
def test_a_difference_that_missing_replies_could_have_made_is_withheld(bad: Reply, reason: str) -> None:
    found = compared(model(bad))
    [pair] = found.pairs
    assert pair.p_adjusted < 0.001
    assert pair.p_worst == 1
    withheld = f"No verdict on cot against vanilla, as missing replies could decide it: {reason}"
    assert found.verdict.splitlines() == ["Most right answers: cot, 20 of 20 right.", withheld]
    assert found.conclusion.headline() == withheld
    assert "beats" not in str(found)
    [told] = found.to_json()["pairs"]
    assert (told["verdict"], told["p_worst"]) == ("withheld", 1)


def test_a_difference_that_they_could_not_have_made_stands() -> None:
    found = compared(model(HALF, cut=2, wrong=12))
    assert found.verdict.splitlines()[1].startswith("It beats vanilla by 70 points")
    [pair] = found.pairs
    assert pair.p_worst is not None
    assert pair.p_adjusted < pair.p_worst < 0.05
    assert [pair["verdict"] for pair in found.to_json()["pairs"]] == ["worse"]  # vanilla comes first
    assert found.caveats == (
        "Answers that are not right and had a reply cut off by a limit: vanilla 2 of 20, 64 tokens.",
    )


def test_without_missing_replies_nothing_changes() -> None:
    [pair] = compared(model("1", cut=0, wrong=15)).pairs
    assert pair.p_worst is None
    assert pair.is_shown


def test_failed_calls_count_against_the_better_one_and_for_the_worse_one() -> None:
    def reply(messages: tuple[Message, ...]) -> Reply:
        text = messages[0].content
        k = int(text.split(" +")[0])
        if "step by step" in text:
            return CallFailed("500") if k < 10 else f"The answer is {2 * k}."
        return str(2 * k + (k >= 10))

    found = compared(ScriptedLLM(reply))
    [pair] = found.pairs
    assert (pair.n, pair.p_worst) == (10, 1)
    assert pair.p_adjusted < 0.01
    assert found.conclusion.headline() == (
        "No verdict on cot against vanilla, as missing replies could decide it: 10 of 20 answers of cot were lost to "
        "failed calls. What to do: repeat the command."
    )
    assert compared(model(CallFailed("500"), cut=9, wrong=11)).pairs[0].is_shown  # right or wrong, cot is better


def test_no_strategy_that_solves_nothing_is_said_to_be_too_weak_if_its_replies_are_missing() -> None:
    llm = ScriptedLLM(lambda messages: THINKING)
    said = compare(["vanilla"], examples(), llm, limit=N, progress=False).verdict
    both = compare(["vanilla", "cot"], examples(), llm, limit=N, progress=False).verdict
    assert "stronger model" not in both
    assert "No strategy solved any of the 20 problems, and replies are missing: 20 of 20 answers of vanilla" in both
    assert said.startswith("vanilla solved 0 of 20")


def test_a_race_stops_no_strategy_for_missing_replies() -> None:
    found = compared(model(THINKING), race=True)
    assert found.race is not None
    assert not found.race.stopped
    assert "The race stopped no strategy." in found.verdict
    stopped = compared(model("1", cut=0, wrong=N), race=True)
    assert stopped.race is not None
    assert list(stopped.race.stopped) == ["vanilla"]


def test_advice_is_withheld() -> None:
    with RunProgress(shown=False) as listener:
        config = RunConfig(limit=N, race_margin=3)
        found = advise(ExampleList(tuple(examples())), model(THINKING), config, listener, ["vanilla", "cot"])
        sound = advise(ExampleList(tuple(examples())), model("1", cut=0, wrong=N), config, listener, ["vanilla", "cot"])
    assert str(found).splitlines()[0] == "No recommendation."
    assert "20 of 20 answers of vanilla were cut off" in str(found)
    assert "against vanilla: no verdict" in str(found)
    assert (found.to_json()["strategy"], found.to_json()["measured"]) == (None, False)
    assert str(sound).splitlines()[0] == "Use: cot"
    assert sound.to_json()["withheld"] is None


def result(**fields: object) -> Result:
    return Result("p", "s", "f", "answered", False, **{"value": "4", **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "could_be"),
    [
        (result(), False),
        (result(truncated=1), True),
        (result(refused=1), True),
        (Result("p", "s", "f", "answered", True, truncated=1), False),
        (Result("p", "s", "f", "failed", None), True),
        (result(truncated=1, votes=(("4", 4), ("5", 0))), False),
        (result(truncated=2, votes=(("4", 3), ("5", 1))), True),
        (result(truncated=1, votes=(("4", 2), ("5", 1))), True),
        (result(truncated=1, votes=(("4", 2), ("5", 2)), value=None), True),
    ],
)
def test_which_answers_could_have_been_right(found: Result, could_be: bool) -> None:
    assert found.could_be_right == could_be


def test_a_result_of_an_earlier_version_says_it_in_words() -> None:
    stored = Result("p", "s", "f", "unparsed", False, reason="nothing found, and the reply was cut off").to_json()
    for name in ("truncated", "only_reasoning", "token_limit", "refused"):
        del stored[name]
    assert Result.from_json(stored).truncated == 1
    assert (
        find_incomplete([Result.from_json(stored)])["s"].remedy == "set --max-tokens 4096 (in Python, max_tokens=4096)"
    )


def test_the_json_of_a_folder_has_the_old_keys_and_the_new(tmp_path: Path) -> None:
    compared(model(THINKING), out=tmp_path / "run")
    stored = json.loads((tmp_path / "run/results.json").read_text())
    assert {"task", "model", "n", "results", "remarks", "verdict", "pairs"} <= stored.keys()
    assert json.loads((tmp_path / "run/results.jsonl").read_text().splitlines()[0])["token_limit"] == 64


def test_strategies_with_equally_many_right_answers_are_told_so() -> None:
    found = compared(model("1", cut=0))
    assert found.conclusion.headline() == "vanilla and cot have equally many right answers (20 of 20)."
