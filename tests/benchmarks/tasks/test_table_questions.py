"""Generated questions about tables: answers by another engine, one right answer each, and the same problems again."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from reasoning.benchmarks import tasks
from reasoning.benchmarks.analysis.inspect_results import problem_to_json
from reasoning.benchmarks.experiment import compare
from reasoning.benchmarks.results import example_json
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.tasks.table_domains import DOMAINS
from reasoning.benchmarks.tasks.table_questions import TABLE_QUESTIONS
from reasoning.benchmarks.tasks.table_templates import TEMPLATES
from reasoning.errors import SettingsChanged, UnknownName, UsageError
from reasoning.kinds import Number, YesNo
from reasoning.problem import Example
from reasoning.tables_sql.forms import read_named_tables
from reasoning.tables_sql.sql import run_trusted_sql
from reasoning.tables_sql.table import Table
from reasoning.testing import ScriptedLLM

LEVELS = tuple(TEMPLATES)


@pytest.fixture(scope="module")
def examples() -> dict[str, list[Example]]:
    return {level: tasks.get("table_questions", split=level).load(60, seed=3) for level in LEVELS}


def test_levels_are_splits() -> None:
    task = tasks.get("table_questions")
    assert (task.split, task.size) == ("medium", float("inf"))  # type: ignore[attr-defined]
    assert tasks.get("table_questions", split="hard").split == "hard"
    with pytest.raises(UnknownName, match="unknown split 'hrd' of table_questions; did you mean 'hard'"):
        tasks.get("table_questions", split="hrd")
    with pytest.raises(UsageError, match=r"has no splits; .* table_questions"):
        tasks.get("gsm_ic", split="hard")


@pytest.mark.parametrize("level", LEVELS)
def test_problems_depend_on_level_seed_and_number_alone(level: str, examples: dict[str, list[Example]]) -> None:
    task = TABLE_QUESTIONS.with_split(level)
    assert task.load(12, seed=3) == examples[level][:12]
    assert task.load(3, seed=4)[0].problem.question != examples[level][0].problem.question
    assert [one.problem.id for one in examples[level][:2]] == [
        f"table_questions-{level}-3-0001",
        f"table_questions-{level}-3-0002",
    ]


@pytest.mark.parametrize("level", LEVELS)
def test_each_question_reads_well_and_its_answer_is_scored(level: str, examples: dict[str, list[Example]]) -> None:
    kinds: Counter[str] = Counter()
    for example in examples[level]:
        problem, table = example.problem, example.problem.table
        assert isinstance(table, Table)
        assert re.fullmatch(r"[A-Z][^{}]*[.?]|[A-Z][^{}]*\? [A-Z][^{}]*\.", problem.question), problem.question
        assert not re.search(r"  | [?.,]|\ba [aeiou]", problem.question), problem.question
        assert example.score(problem.parse(f"The answer is {example.target}.").value)
        wrong = {"yes": "no", "no": "yes"}.get(example.target, "")
        wrong = wrong or (str(float(example.target) + 7) if isinstance(problem.kind, Number) else "Nowhere")
        assert not example.score(problem.parse(f"The answer is {wrong}.").value)
        kinds[problem.kind.name] += 1
        assert example_json.from_json(example_json.to_json(example)) == example
    assert set(kinds) == {"number", "text", "choice", "yesno"}
    verdicts = Counter(one.target for one in examples[level] if isinstance(one.problem.kind, YesNo))
    assert all(verdicts[word] for word in ("yes", "no"))


def test_only_hard_problems_have_a_second_table(examples: dict[str, list[Example]]) -> None:
    assert all(example.problem.context is None for level in LEVELS[:2] for example in examples[level])
    for example in examples["hard"]:
        [(name, second)] = read_named_tables(example.problem.context or "").items()
        table = example.problem.table
        assert isinstance(table, Table)
        joined = run_trusted_sql(
            {"w": table, name: second}, f"SELECT count(*) FROM w JOIN {name} USING ({second.header[0]})"
        )
        assert joined.rows == ((len(table.rows),),)


def test_answers_agree_with_pandas(examples: dict[str, list[Example]]) -> None:
    """A sample of the templates, computed again with pandas from the problem as a model sees it."""
    pandas = pytest.importorskip("pandas")
    checked: Counter[str] = Counter()
    for example in (one for level in LEVELS for one in examples[level]):
        problem = example.problem
        lines = [line.split(" | ") for line in problem.values()["table"].splitlines()]
        frame = pandas.DataFrame(lines[1:], columns=lines[0])
        domain = next(one for one in DOMAINS if one.one == lines[0][0])
        for measure in domain.measures:
            frame[measure.column] = frame[measure.column].str.replace(r"[^0-9]", "", regex=True).astype(int)
        groups = {domain.of_group.format(group): group for group in domain.groups}
        nouns = {measure.noun: measure.column for measure in domain.measures}
        phrase = "|".join(map(re.escape, groups))
        noun = "|".join(map(re.escape, sorted(nouns, key=len, reverse=True)))
        if found := re.fullmatch(
            rf"What is the (total|average) ({noun}).* (?:all|the) {domain.many} ({phrase})\?.*", problem.question
        ):
            column = frame[frame[domain.group] == groups[found[3]]][nouns[found[2]]]
            value = column.sum() if found[1] == "total" else round(column.mean(), 1)
            assert example.score(float(value)), problem.question
        elif found := re.fullmatch(rf"What is the ({noun}) of (.*?)(?: in [a-z ]+)?\?", problem.question):
            if found[2] not in set(frame[domain.one]):
                continue
            assert example.target == str(frame.set_index(domain.one)[nouns[found[1]]][found[2]])
        elif found := re.fullmatch(
            rf"Which of these {domain.many} has the (highest|lowest) ({noun})\?", problem.question
        ):
            values = frame.set_index(domain.one)[nouns[found[2]]][list(problem.kind.options)]  # type: ignore[attr-defined]
            assert example.target == (values.idxmax() if found[1] == "highest" else values.idxmin())
        elif found := re.fullmatch(
            rf"Which {domain.group} has the (highest|lowest) total ({noun}).*", problem.question
        ):
            totals = frame.groupby(domain.group)[nouns[found[2]]].sum()
            assert example.target == (totals.idxmax() if found[1] == "highest" else totals.idxmin())
        elif found := re.fullmatch(
            rf"Take the {domain.one} with the (highest|lowest) ({noun}) of all\. What .*", problem.question
        ):
            column = frame[nouns[found[2]]]
            group = frame[domain.group][column.idxmax() if found[1] == "highest" else column.idxmin()]
            second = read_named_tables(problem.context or "")[domain.second.name]
            assert (
                example.target
                == dict(zip(second.column(domain.group), second.column(second.header[1]), strict=True))[group]
            )
        else:
            continue
        checked[problem.question.split()[0] + problem.question.split()[2]] += 1
    assert sum(checked.values()) >= 20
    assert len(checked) >= 5


def test_a_run_keeps_and_shows_its_tables(tmp_path: Path) -> None:
    def run(problems: list[Example]) -> ResultsFolder:
        compare("vanilla", problems, ScriptedLLM(["The answer is yes."] * 3), out=tmp_path / "run", progress=False)
        return ResultsFolder.read(tmp_path / "run")

    problems = TABLE_QUESTIONS.with_split("hard").load(3, seed=5)
    folder = run(problems)
    assert list(folder.examples.values()) == problems
    name = str(problems[0].problem.id)
    assert problems[0].problem.values()["table"] in problem_to_json(folder, name)["question"]
    first = problems[0].problem
    assert isinstance(first.table, Table)
    changed = [[*first.table.header], *map(list, first.table.shown[:-1])]
    problems[0] = replace(problems[0], problem=replace(first, table=changed))
    with pytest.raises(SettingsChanged, match="task_version"):
        run(problems)
