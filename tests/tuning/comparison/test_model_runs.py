"""The runs behind a comparison: one step with each model, the others unchanged; then the command as a whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from reasoning.benchmarks.chains.suite import load_suite
from reasoning.engine.budget import Budget
from reasoning.engine.connect import connect
from reasoning.engine.llm import LLM
from reasoning.errors import CallFailed, UsageError
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.client import Client
from reasoning.tuning.comparison.api import compare
from reasoning.tuning.comparison.decision import compare_models
from reasoning.tuning.comparison.model_runs import plan_model, run_models
from tests.benchmarks.chains.chain_folder import said, write

Say = Callable[[str], str | Exception]
LIMITS: dict[str, set[int]] = {}
"""The limits on tokens that each model was asked with."""


class Models(Client):
    """Models that differ in what they say; each request is kept with the model's name."""

    free = True

    def __init__(self, model: str, say: Mapping[str, Say], asked: list[tuple[str, str]]) -> None:
        self.model, self._say, self.asked = model, say, asked

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        prompt = request.messages[-1].content
        self.asked.append((self.model, prompt))
        LIMITS.setdefault(self.model, set()).add(request.max_tokens)
        reply = self._say[self.model](prompt)
        if isinstance(reply, Exception):
            raise reply
        cut = len(reply) > 100
        return [Completion(reply[:100], "length" if cut else "stop", Usage(1, 10, 2)) for _ in draws]

    def sibling(self, model: str) -> Models | None:
        return Models(model, self._say, self.asked) if model in self._say else None


def models(say: Mapping[str, Say], **more: Any) -> tuple[LLM, list[tuple[str, str]]]:
    asked: list[tuple[str, str]] = []
    return LLM(Models("large", say, asked), connect=connect, **more), asked


def test_only_the_step_gets_the_other_model_and_equal_requests_are_sent_once(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path / "notes"), "trusted")
    llm, asked = models({"large": said, "small": lambda prompt: "good"})
    runs, results = run_models(suite.chain, "tone", ["large", "small"], suite.cases, llm, "large")
    assert {prompt.split(":")[0] for model, prompt in asked if model == "small"} == {"Points"}
    assert len(asked) == len(set(asked))
    # The scripted model of the first step misses a point, which the step alone has in its gold inputs.
    assert runs[0].scores == {
        "tone alone": {"late": 1.0, "fine": 1.0, "tone-alone": 0.0},
        "end to end": {"late": pytest.approx(0.5), "fine": 1.0},
    }
    assert runs[1].scores["tone alone"] == {"late": 0.0, "fine": 1.0, "tone-alone": 0.0}
    assert {case: cost.calls for case, cost in runs[1].costs.items()} == {"late": 1, "fine": 1, "tone-alone": 1}
    assert all(result.stopped is None for result in results)
    before = len(asked)
    assert run_models(suite.chain, "tone", ["large", "small"], suite.cases, llm, "large")[0] == runs
    assert len(asked) == before


def test_the_step_alone_runs_nothing_of_the_rest_of_the_chain(tmp_path: Path) -> None:
    folder = write(tmp_path / "notes")
    llm, asked = models({"large": said, "small": lambda prompt: "good"})
    found = compare(folder, "tone", llm, ["small"], alone=True)
    assert {prompt.split(":")[0] for _, prompt in asked} == {"Points"}
    assert [list(run.scores) for run in found.runs] == [["tone alone"]] * 2
    assert "the whole chain was not compared" in repr(found)
    assert "the whole chain was not compared" not in repr(compare(folder, "tone", llm, ["small"]))
    with pytest.raises(UsageError, match="no case of the chain 'notes' checks the step 'points'"):
        compare(folder, "points", llm, ["small"], alone=True, pattern="tone-alone")


def test_a_notebook_shows_the_scores_with_their_intervals_as_a_picture(tmp_path: Path) -> None:
    llm, _ = models({"large": said, "small": lambda prompt: "good"})
    found = compare(write(tmp_path / "notes"), "tone", llm, ["small"])
    picture = found._repr_html_().partition("</svg>")[0] + "</svg>"
    drawn = "".join(ElementTree.fromstring(picture).itertext())
    assert drawn.count("large") == 2  # the step alone, and end to end
    assert drawn.count("small") == 2
    assert "points (" in drawn


def test_a_model_of_the_chains_own_step_is_replaced(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path / "notes"), "trusted")
    chain = suite.chain.with_step("tone", model="dear")
    llm, asked = models(dict.fromkeys(("large", "dear", "small"), said))
    run_models(chain, "tone", ["large", "small"], suite.cases, llm, "large")
    assert {model for model, _ in asked} == {"large", "small"}


def test_all_models_have_the_same_limit_on_tokens(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path / "notes"), "trusted")
    for chain, limit in ((suite.chain, 77), (suite.chain.with_step("tone", sampling={"max_tokens": 5}), 5)):
        LIMITS.clear()
        llm, _ = models({"large": said, "tiny": said}, sampling={"max_tokens": 77})
        run_models(chain, "tone", ["tiny", "large"], suite.cases, llm, "large")
        assert LIMITS["tiny"] == {limit}
        assert LIMITS["large"] <= {77, limit}
    # A model of another provider is connected without the settings of this one, so the step has them.
    for run in plan_model(suite.chain, "tone", "local", suite.cases, {"max_tokens": 77, "top_p": 0.9}):
        assert run.chain.step("tone").sampling == {"max_tokens": 77, "top_p": 0.9}


def test_failed_and_cut_replies_are_seen(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path / "notes"), "trusted")
    llm, _ = models(
        {
            "large": said,
            "small": lambda prompt: CallFailed("broken") if "fine" in prompt else "bad" + " or not" * 30,
        }
    )
    runs, _ = run_models(suite.chain, "tone", ["large", "small"], suite.cases, llm, "large")
    assert runs[1].scores["tone alone"]["fine"] is None
    assert "late" in runs[1].incomplete["tone alone"]
    assert runs[0].incomplete == {"tone alone": frozenset(), "end to end": frozenset()}
    enough = [replace(run, scores={part: dict(scores) for part, scores in run.scores.items()}) for run in runs]
    assert compare_models("notes", "tone", enough, 5).verdicts[0].outcome in ("undecided", "withheld")


def test_a_budget_in_the_middle_gives_no_verdict(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path / "notes"), "trusted")
    llm, asked = models({"large": said, "small": said}, budget=Budget(calls=8))
    runs, results = run_models(suite.chain, "tone", ["large", "small"], suite.cases, llm, "large")
    assert results[-1].stopped is not None
    assert len(asked) == 8
    found = compare_models("notes", "tone", runs, 5, stopped=True)
    assert {one.outcome for one in found.verdicts} <= {"withheld"}


def test_an_unknown_model_is_said_before_the_first_call(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path / "notes"), "trusted")
    llm, asked = models({"large": said})
    with pytest.raises(UsageError):
        run_models(suite.chain, "tone", ["large", "local:nonsense"], suite.cases, llm, "large")
    assert asked == []


def test_without_gold_values_there_is_nothing_to_compare(tmp_path: Path) -> None:
    suite = load_suite(
        write(tmp_path / "notes", '[[case]]\nstep = "points"\ninput = "x"\nexpected = ["x"]\n'), "trusted"
    )
    llm, _ = models({"large": said, "small": said})
    with pytest.raises(UsageError, match="no case of the chain 'notes' checks the step 'tone' or the end"):
        run_models(suite.chain, "tone", ["large", "small"], suite.cases, llm, "large")


def command(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    code = "from reasoning.cli.app import main; main()"
    words = [sys.executable, "-c", code, "tune", "compare", str(folder), "tone", *options]
    journal = ["--journal", str(folder.parent / "journal.sqlite")]
    return subprocess.run([*words, *journal], capture_output=True, text=True, timeout=120, check=False)


def recording(path: Path, tone: str) -> str:
    """Write a recording in which a model hears everything and names this tone for complaints."""
    prompts = {
        "Note: It came late and wet.": "came late; came wet",
        "Note: All fine.": "all fine",
        "Points: came late; came wet": tone,
        "Points: came late": tone,
        "Points: all fine": "good",
        "Tone: bad": "We are sorry.",
        "Tone: good": "We are glad.",
    }
    rows = [{"question": prompt, "samples": [reply]} for prompt, reply in prompts.items()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"replay:{path}"


def test_the_command_compares_and_says_how_many_cases_would_be_needed(tmp_path: Path) -> None:
    folder = write(tmp_path / "notes")
    large, small = recording(tmp_path / "large.jsonl", "bad"), recording(tmp_path / "small.jsonl", "bad")
    done = command(folder, "--models", f"{large}, {small}")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "is not shown to replace" in said
    assert "about 75 cases like these would be needed (tone alone: 3)" in said
    asked = json.loads(command(folder, "--models", f"{large}, {small}", "--tolerance", "10", "--json").stdout)
    assert [one["scores"]["tone alone"] for one in asked["models"]] == [1.0, 1.0]
    assert asked["tolerance"] == 10
    assert asked["verdicts"][0]["verdict"] == "undecided"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--models", "local"], "at least two models"),
        (["--models", "a, b", "--tolerance", "x"], "--tolerance must be percentage points"),
    ],
)
def test_wrong_usage_of_the_command(tmp_path: Path, options: list[str], message: str) -> None:
    done = command(write(tmp_path / "notes"), *options)
    assert done.returncode == 2
    assert message in done.stderr


def test_from_python_models_are_compared(tmp_path: Path) -> None:
    from reasoning import tuning

    folder = write(tmp_path / "notes")
    llm, _ = models({"large": said, "small": lambda prompt: "good"})
    found = tuning.compare(folder, "tone", llm, ["small"], tolerance=10)
    assert (found.runs[0].model, found.verdicts[0].model, found.tolerance) == ("large", "small", 10)
    assert "small is not shown to replace large at tone" in " ".join(repr(found).split())
    assert found._repr_html_().count("<table") == 2
    with pytest.raises(UsageError, match="at least one candidate"):
        tuning.compare(folder, "tone", llm, [])
    with pytest.raises(UsageError, match="tolerance must be from 0 to 100 points, got -5"):
        tuning.compare(folder, "tone", llm, "small", tolerance=-5)
    assert [run.model for run in tuning.compare(folder, "tone", llm, "small", tolerance=10).runs][1:] == ["small"]
