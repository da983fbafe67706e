"""Strategies that must learn before a run: from which examples, at what cost, and only once."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from reasoning import Answer, Budget, Example, Problem, Session, Strategy, strategies, technique
from reasoning.benchmarks import Comparison, compare
from reasoning.benchmarks.advise import advise
from reasoning.benchmarks.analysis.summary_table import numbers_table
from reasoning.benchmarks.experiment import run_comparison
from reasoning.benchmarks.report import ReportData, save
from reasoning.benchmarks.rescore import rescore
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.cost_estimate import estimate_cost
from reasoning.benchmarks.runs.forecast import forecast
from reasoning.benchmarks.runs.listeners import RunListener
from reasoning.benchmarks.runs.progress import RunProgress
from reasoning.benchmarks.tasks.in_memory import ExampleList
from reasoning.errors import InputError, SettingsChanged, UsageError
from reasoning.kinds import Number, YesNo
from reasoning.messages import Message
from reasoning.strategies.demonstrations import DemonstrationSource, WorkedExample, with_examples
from reasoning.strategies.thought.cot import FEW_SHOT, with_rationale
from reasoning.testing import ScriptedLLM
from reasoning.trace import Trace
from tests.test_fit import Pupil

Sums = Callable[[int], list[Example]]
EXPLAIN = "user: Explain: "


@technique(title="Apprentice", calls="1")
class Apprentice(Strategy):
    """Asks for the reasoning on the first examples of a pool, one after the other, and shows it."""

    shots: int = 2
    demonstrations: DemonstrationSource = None

    @property
    def needs_fit(self) -> bool:
        return not self.demonstrations

    def fit_calls_range(self, pool: int) -> tuple[int, int]:
        return min(self.shots, pool), min(self.shots, pool)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        self.check_fitted()
        prompt = with_examples(FEW_SHOT, problem, self.shots, with_rationale, self.demonstrations)
        return problem.parse(await session.ask(prompt.render(problem)))

    async def _fit(self, pool: Sequence[Example], session: Session) -> Apprentice:
        learned = []
        for example in pool[: self.shots]:
            reply = await session.ask(f"Explain: {example.problem.question}")
            learned.append(WorkedExample(example.problem.question, str(example.target), reply.text))
            session.note(f"explained {len(learned)}")
        return self.replace(demonstrations=tuple(learned))


def teach(messages: tuple[Message, ...]) -> str:
    """Explain, or add; the first call in a conversation that ends with a question."""
    text = messages[-1].content
    if text.startswith("Explain"):
        return f"Twice the number, for {re.findall(r'[0-9]+', text)[0]}."
    return f"The answer is {2 * int(re.findall(r'What is ([0-9]+)', text)[-1])}."


def run(
    folder: Path | None,
    examples: Sequence[Example],
    llm: ScriptedLLM | None = None,
    *more: str | Strategy,
    **options: Any,
) -> tuple[Comparison, ScriptedLLM]:
    llm = llm or ScriptedLLM(teach)
    options = {"limit": 4, **options}
    return compare([Apprentice(), *more], list(examples), llm, out=folder, progress=False, **options), llm


def explained(llm: ScriptedLLM) -> list[str]:
    return [prompt.removeprefix(EXPLAIN) for prompt in llm.prompts if prompt.startswith(EXPLAIN)]


def test_what_is_learned_from_is_not_judged(tmp_path: Path, sums: Sums) -> None:
    near = Example(Problem("what is 3 + 3", Number(), id="near"), 6)
    found, llm = run(tmp_path / "run", [*sums(10), near], pool_size=100)
    judged = {example.problem.question for example in sums(4)}
    assert len(explained(llm)) == 2
    assert not judged.intersection(explained(llm))
    (row,) = found.rows
    assert row.fitted[0].pool == "6 examples of given; 1 near duplicate of judged problems left out"
    assert (
        "apprentice learned with 2 calls from 6 examples of given; 1 near duplicate of judged problems left out"
        in str(found)
    )
    kept = [json.loads(line) for line in (tmp_path / "run" / row.fitted[0].pool_file).read_text().splitlines()]
    assert {one["question"] for one in kept} == {one.problem.question for one in sums(10)} - judged


def test_a_strategy_learns_once_and_a_continued_run_reads_what_it_learned(tmp_path: Path, sums: Sums) -> None:
    vote = strategies.get("self_consistency(samples=2)").replace(base=Apprentice())
    found, llm = run(tmp_path, sums(10), None, vote)
    assert llm.calls == 2 + 4 + 8
    assert [len(row.fitted) for row in found.rows] == [1, 1]
    again, silent = run(tmp_path, sums(10), ScriptedLLM([]), vote)
    assert silent.calls == 0
    assert again.to_json(spent=False) == found.to_json(spent=False)
    assert {path.name for path in (tmp_path / "fitted").iterdir()} == {
        "apprentice.toml",
        Path(found.rows[0].fitted[0].pool_file).name,
    }


def test_the_file_can_be_given_back(tmp_path: Path, sums: Sums) -> None:
    _, llm = run(tmp_path / "run", sums(10))
    file = tmp_path / "run" / "fitted" / "apprentice.toml"
    text = file.read_text()
    assert text.startswith("# What apprentice has learned from 6 examples of given, with the model scripted.\n# Cost:")
    assert "# explained 2\n" in text
    assert (
        "Give it back, with the results folder for DIR: apprentice(demonstrations='DIR/fitted/apprentice.toml')" in text
    )
    given = Apprentice(demonstrations=str(file))
    prompts = [prompt for prompt in llm.prompts if not prompt.startswith(EXPLAIN)]
    again = ScriptedLLM(teach)
    compare([given], sums(4), again, progress=False)
    assert sorted(again.prompts) == sorted(prompts)
    assert not given.needs_fit


def test_an_edit_of_the_file_makes_the_results_anew(tmp_path: Path, sums: Sums) -> None:
    run(tmp_path, sums(10), None, "vanilla")
    file = tmp_path / "fitted" / "apprentice.toml"
    file.write_text(file.read_text().replace("Twice the number", "Add it to itself"))
    found, llm = run(tmp_path, sums(10), None, "vanilla")
    assert llm.calls == 4, "only the results of what has changed"
    assert all("Add it to itself" in "".join(turn.content for turn in call.messages) for call in llm.requests)
    assert len({result.fingerprint for result in found.results if result.strategy == "apprentice(shots=2)"}) <= 1
    assert "edited by hand: fitted/apprentice.toml" in str(found)
    assert not [caveat for caveat in found.caveats if "more than one version" in caveat]
    _, silent = run(tmp_path, sums(10), ScriptedLLM([]), "vanilla")
    assert silent.calls == 0


def test_an_edit_that_cannot_be_read_is_named(tmp_path: Path, sums: Sums) -> None:
    run(tmp_path, sums(10))
    file = tmp_path / "fitted" / "apprentice.toml"
    for text, fault in (
        ("[[demonstrations]]\nquestion = 'Q'\n", "'answer' is missing"),
        ("[[a]]\n[[b]]\n", "missing"),
        ("", "must hold one list of worked examples.*; correct the file, or delete it"),
        ("[[demonstrations]]\nanswr = 'A'\n", r"demonstrations 1; did you mean 'answer'\?; correct the file"),
        ("demonstrations = [", "TOML"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=rf"fitted/apprentice\.toml.*{fault}"):
            run(tmp_path, sums(10))


def test_a_missing_file_is_learned_again_from_the_recorded_draws(tmp_path: Path, sums: Sums) -> None:
    first, _ = run(tmp_path, sums(10))
    (tmp_path / "fitted" / "apprentice.toml").unlink()
    again, silent = run(tmp_path, sums(10), ScriptedLLM([]))
    assert silent.calls == 0
    assert again.rows == first.rows


def test_a_fit_that_was_killed_goes_on_where_it_was(tmp_path: Path, sums: Sums) -> None:
    def dies(messages: tuple[Message, ...]) -> str:
        if llm.calls > 3:
            raise RuntimeError("killed")
        return teach(messages)

    llm = ScriptedLLM(dies)
    learner = Apprentice(shots=5)
    with pytest.raises(RuntimeError, match="killed"):
        compare([learner], sums(10), llm, limit=4, out=tmp_path, progress=False)
    more = ScriptedLLM(teach)
    found = compare([learner], sums(10), more, limit=4, out=tmp_path, progress=False)
    assert 0 < llm.calls < 5
    assert len(explained(more)) == 5 - llm.calls
    assert len(set(explained(more) + explained(llm)[: llm.calls])) == 5
    assert found.rows[0].fit_usage is not None
    assert found.rows[0].fit_usage.calls == 5, "the cost of the whole fit"


def test_a_budget_that_ends_while_fitting(tmp_path: Path, sums: Sums) -> None:
    llm = ScriptedLLM(teach, budget=Budget(calls=3))
    found = compare([Apprentice(shots=5), "vanilla"], sums(10), llm, limit=4, out=tmp_path, progress=False)
    assert found.stopped is not None
    assert found.stopped.exit_code == 3
    assert (found.rows, llm.calls) == ((), 3)
    assert not (tmp_path / "fitted").exists()
    more = ScriptedLLM(teach, budget=Budget(calls=30))
    found = compare([Apprentice(shots=5), "vanilla"], sums(10), more, limit=4, out=tmp_path, progress=False)
    assert found.stopped is None
    assert more.calls == 2 + 4 + 4
    assert found.before.total("fit").calls == 3, "the calls of the fit count against the budget of the run"


def test_a_part_of_a_fit_is_not_kept_when_the_budget_ends(tmp_path: Path, sums: Sums) -> None:
    def think(messages: tuple[Message, ...]) -> str:
        asked = re.findall(r"What is ([0-9]+)", messages[-1].content)[-1]
        return f"{asked} + {asked} = {2 * int(asked)}.\nThe answer is {2 * int(asked)}."

    llm = ScriptedLLM(think, budget=Budget(calls=2))
    found = compare(["auto_cot(k=3)"], sums(10), llm, limit=4, out=tmp_path, progress=False)
    assert found.stopped is not None
    assert (found.stopped.exit_code, found.rows, llm.calls) == (3, (), 2)
    assert not (tmp_path / "fitted").exists()
    more = ScriptedLLM(think)
    found = compare(["auto_cot(k=3)"], sums(10), more, limit=4, out=tmp_path, progress=False)
    assert more.calls == 1 + 4, "one cluster is left"
    assert "3 demonstrations from 3 clusters" in str(found)


def test_more_judged_problems_than_before_leave_the_pool(tmp_path: Path, sums: Sums) -> None:
    first, _ = run(tmp_path, sums(10))
    more, llm = run(tmp_path, sums(10), limit=7)
    judged = {example.problem.question for example in sums(7)}
    assert not judged.intersection(explained(llm))
    assert more.rows[0].fitted[0].pool == "3 examples of given"
    assert {result.fingerprint for result in more.results}.isdisjoint(result.fingerprint for result in first.results)
    with pytest.raises(UsageError, match=r"of the 10 problems of given all are judged.*give --pool TASK"):
        run(tmp_path, sums(10), limit=10)


def test_another_pool_in_the_same_folder_is_refused(tmp_path: Path, sums: Sums) -> None:
    run(tmp_path, sums(10), pool_size=3)
    run(tmp_path, sums(10))
    for options in ({"pool_size": 4}, {"pool": sums(30)[20:]}):
        with pytest.raises(SettingsChanged, match=r"has learned from 3 examples of given .*another --out"):
            run(tmp_path, sums(10), **options)


def test_a_pool_of_the_users_own(sums: Sums) -> None:
    other = [Example(Problem(f"What remains of {k} if {k} are taken away?", Number()), 0) for k in range(9)]
    kinds = [Example(Problem("Is 3 odd?", YesNo()), True)]
    found, llm = run(None, sums(3), limit=3, pool=[*kinds, *other, *sums(3)])
    assert all("remains" in question for question in explained(llm))
    assert found.rows[0].fitted[0].pool == "9 examples of given; 3 near duplicates of judged problems left out"
    with pytest.raises(UsageError, match="of given are of kind yesno, those of the judged problems of kind number"):
        run(None, sums(3), limit=3, pool=kinds)


def test_the_cost_is_in_a_column_of_its_own(tmp_path: Path, sums: Sums) -> None:
    found, _ = run(tmp_path / "run", sums(10), None, "vanilla")
    fit, none = found.to_json()["results"]
    assert (fit["fit"]["calls"], fit["fit"]["usd"]) == (2, None)
    assert fit["fit"].keys() == {"calls", "prompt_tokens", "completion_tokens", "usd", "seconds", "learned"}
    assert fit["fit"]["learned"] == [
        {
            "strategy": "apprentice",
            "pool": "6 examples of given",
            "note": "explained 2",
            "file": "fitted/apprentice.toml",
        }
    ]
    assert "fit" not in none
    assert fit["calls"] == none["calls"] == 4
    header, *rows = csv.reader(io.StringIO(numbers_table(found.rows).to_csv()))
    assert header[-5:] == ["fit_calls", "fit_prompt_tokens", "fit_completion_tokens", "fit_usd", "fit_seconds"]
    assert [row[-5] for row in rows] == ["2", ""]
    store = ResultsFolder.read(tmp_path / "run")
    for suffix in ("md", "tex", "html"):
        save(ReportData.from_folder(store), tmp_path / "run" / f"report.{suffix}")
        text = (tmp_path / "run" / f"report.{suffix}").read_text()
        assert re.search(r"fitting\W.{0,9}\Wtokens|fitting tokens", text, re.DOTALL)
        assert "learned with 2 calls from 6 examples" in text
    plain = compare(["vanilla"], sums(4), ScriptedLLM(teach), progress=False)
    assert "fitting" not in str(plain)
    assert "fit_calls" not in numbers_table(plain.rows).header


def test_rescoring_reads_what_was_learned(tmp_path: Path, sums: Sums) -> None:
    run(tmp_path, sums(10))
    # The registry does not know the strategy of this test, so its spec is that of one that learned the same.
    outcome = rescore(tmp_path)
    assert outcome.reread + sum(count for _, count in outcome.skipped) == 4


def test_records_that_lead_out_of_the_folder_or_are_damaged(tmp_path: Path, sums: Sums) -> None:
    run(tmp_path, sums(10))
    path = tmp_path / "run.json"
    data = json.loads(path.read_text())
    for record, fault in (
        ({"file": "fitted/../../x.toml"}, "must be in fitted/"),
        ({"file": "/etc/passwd"}, "must be in fitted/"),
        ({"usage": {}}, "damaged record of a fit"),
        ({"asked_for": 3}, "damaged record of a fit"),
    ):
        broken = {**data, "metadata": {**data["metadata"], "fitted": [{**data["metadata"]["fitted"][0], **record}]}}
        path.write_text(json.dumps(broken))
        with pytest.raises(InputError, match=fault):
            run(tmp_path, sums(10))


def test_the_progress_of_a_fit_is_shown(sums: Sums) -> None:
    seen: list[tuple[str, int]] = []

    class Listener(RunListener):
        def on_fit(self, text: str, model: object, trace: Trace) -> None:
            seen.append((text, len(trace.events)))

    run_comparison([Apprentice()], sums(10), ScriptedLLM(teach), RunConfig(limit=4), Listener())
    assert seen == [("fitting apprentice on 6 examples of given", 0)]


def test_the_cost_of_a_fit_is_told_before_anything_is_sent(tmp_path: Path, sums: Sums) -> None:
    task, llm = ExampleList(tuple(sums(10))), ScriptedLLM(teach)
    vote = strategies.get("self_consistency(samples=3)").replace(base=Apprentice())
    named: dict[str, Strategy] = {"apprentice": Apprentice(), "vote": vote, "vanilla": strategies.get("vanilla")}
    config = RunConfig(limit=4, folder=tmp_path / "run", pool_size=6)
    estimate = estimate_cost(named, task, llm, config)
    assert [row.fit for row in estimate.rows] == [(2, 2), (2, 2), (0, 0)]
    assert [row.most.calls for row in estimate.rows] == [4, 12, 4]
    assert [one.get("fit_calls") for one in estimate.to_json()["strategies"]] == [[2, 2], [2, 2], None]
    assert estimate.table().header[-1] == "fitting"
    assert "Fitting: the calls before the first problem" in estimate.notes
    assert forecast(named, task, llm, config).least_calls == 2 + 4 + 2 + 12 + 4
    assert llm.calls == 0
    run(tmp_path / "run", sums(10), llm, vote, "vanilla", pool_size=6)
    assert [row.fit for row in estimate_cost({"apprentice": Apprentice()}, task, llm, config).rows] == [(0, 0)]
    assert forecast({"apprentice": Apprentice()}, task, llm, config).least_calls == 0


def test_what_learns_something_else_than_demonstrations_has_no_estimate(sums: Sums) -> None:
    task, llm = ExampleList(tuple(sums(10))), ScriptedLLM(teach)
    with pytest.raises(UsageError, match="cost of pupil is not known before it is fitted; leave it out of --dry-run"):
        estimate_cost({"pupil": Pupil()}, task, llm, RunConfig(limit=4))
    assert forecast({"pupil": Pupil()}, task, llm, RunConfig(limit=4)).most_calls == 0


def test_texts_and_numbers_are_kept_in_a_file_too(tmp_path: Path, sums: Sums) -> None:
    llm = ScriptedLLM(
        lambda messages: "Add \x1b[2J both.\n" if "Lesson" in messages[-1].content else "The answer is 2."
    )
    found = compare([Pupil()], sums(6), llm, limit=2, out=tmp_path, progress=False)
    text = (tmp_path / "fitted" / "pupil.toml").read_text()
    assert "[parameters]" in text
    assert "\x1b" not in text
    again = compare([Pupil()], sums(6), ScriptedLLM([]), limit=2, out=tmp_path, progress=False)
    assert again.to_json(spent=False) == found.to_json(spent=False)
    (tmp_path / "fitted" / "pupil.toml").write_text("[parameters]\nleson = 'x'\n")
    with pytest.raises(InputError, match=r"fitted/pupil\.toml: unknown parameter 'leson'"):
        compare([Pupil()], sums(6), llm, limit=2, out=tmp_path, progress=False)
    (tmp_path / "fitted" / "pupil.toml").write_text("[parameters]\nlesson = ''\n")
    with pytest.raises(InputError, match=r"fitted/pupil\.toml: pupil has not learned enough"):
        compare([Pupil()], sums(6), llm, limit=2, out=tmp_path, progress=False)


def test_a_race_and_advice_fit_first(tmp_path: Path, sums: Sums) -> None:
    found = compare([Apprentice(), "vanilla"], sums(30), ScriptedLLM(teach), limit=12, race=True, progress=False)
    assert found.race is not None
    advice = advise(
        *(ExampleList(tuple(sums(30))), ScriptedLLM(teach), RunConfig(limit=12, race_margin=3.0)),
        *(RunProgress(shown=False), [Apprentice(), "vanilla"]),
    )
    assert advice.strategy in ("apprentice", "vanilla")
    assert advice.comparison.rows[0].fit_usage is not None
