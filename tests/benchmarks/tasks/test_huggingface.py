"""Tasks from the hub through `datasets`: from folders in the form of its repositories, and without a network."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reasoning.benchmarks import tasks
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.experiment import compare
from reasoning.benchmarks.results.example_json import from_json, to_json
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.tasks import huggingface
from reasoning.cli.app import app
from reasoning.errors import InputError, SettingsChanged, UsageError
from reasoning.kinds import Choice, Items, Label, Number, Text, YesNo
from reasoning.retrieval import Corpus, Document
from reasoning.tables_sql.table import Table
from reasoning.testing import ScriptedLLM

datasets = pytest.importorskip("datasets")

CARD = """---
configs:
- config_name: {config}
  data_files:
  - split: {split}
    path: data.parquet
---
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a folder with rows, as a task of the hub has them, and gives the task that reads it."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")

    def make(name: str, rows: list[dict[str, Any]]) -> huggingface.HubTask:
        task = tasks.get(name)
        assert isinstance(task, huggingface.HubTask)
        folder = tmp_path / "copy"
        folder.mkdir()
        data = folder / "data.parquet"
        if task.folder:
            data = folder / task.folder / task.split / "0000.parquet"
            data.parent.mkdir(parents=True)
        else:
            (folder / "README.md").write_text(CARD.format(config=task.config or "default", split=task.split))
        datasets.Dataset.from_list(rows).to_parquet(data)
        return huggingface.HubTask(**{**vars(task), "repository": str(folder)})

    return make


ROWS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "gsm8k": ({"question": "Pens?", "answer": "He has <<2*3=6>>6.\n#### 1,006"}, Number(), 1006),
    "gsm8k_platinum": ({"question": "Pens?", "answer": "#### 6", "cleaning_status": "verified"}, Number(), 6),
    "gsm_hard": ({"input": "Pens?", "code": "def solution(): …", "target": 5723912.0}, Number(), 5723912),
    "gsm_plus": (
        {"question": "Pens?", "answer": "6.5", "perturbation_type": "distraction", "seed_question": "Pen?"},
        *(Number(), 6.5),
    ),
    "svamp": ({"question_concat": "Ann. Pens?", "Body": "Ann.", "Question": "Pens?", "Answer": "6.0"}, Number(), 6),
    "asdiv": ({"id": "a-1", "question": "Pens?", "result": "6", "result_unit": "pens"}, Number(), 6),
    "multiarith": ({"question": "Pens?", "final_ans": "6"}, Number(), 6),
    "aqua": (
        {"question": "Pens?", "options": ["A)6", "B)7"], "rationale": "…", "correct": "B"},
        Choice(["6", "7"]),
        "B",
    ),
    "strategyqa": ({"question": "Can it?", "answer": False, "facts": "…"}, YesNo(), False),
    "commonsenseqa": (
        {"question": "Where?", "choices": {"label": ["A", "B"], "text": ["sea", "sky"]}, "answerKey": "A"},
        *(Choice(["sea", "sky"]), "A"),
    ),
    "bbh:snarks": (
        {"input": "Which is sarcastic?\nOptions:\n(A) Fine.\n(B) Just great.", "target": "(B)"},
        *(Choice(["Fine.", "Just great."]), "B"),
    ),
    "bbh:navigate": ({"input": "Back again?\nOptions:\n- Yes\n- No", "target": "No"}, YesNo(), False),
    "bbh:object_counting": ({"input": "How many?", "target": "6"}, Number(), 6),
    "bbh:word_sorting": ({"input": "List: b a", "target": "a b"}, Text(), "a b"),
    "date_understanding": (
        {"input": "What day?\nOptions:\n(A) 01/02/2003\n(B) 02/02/2003", "target": "(A)"},
        *(Choice(["01/02/2003", "02/02/2003"]), "A"),
    ),
    "hotpotqa": ({"id": "5a", "question": "Who?", "answer": "Ann", "context": {"title": ["x"]}}, Text(), "ann"),
    "hotpotqa_distractor": (
        {
            "id": "5a",
            "question": "Who?",
            "answer": "Ann",
            "context": {"title": ["Osk", "Vael"], "sentences": [["Osk is a town.", " It is old."], ["A river."]]},
            "supporting_facts": {"title": ["Osk"], "sent_id": [0]},
        },
        *(Text(), "ann"),
    ),
    "fever": (
        {
            "claim": "Osk is a river.",
            "label": "REFUTES",
            "evidence": [["Osk", "0", "Osk is a town."]],
            "id": "7",
            "original_id": 9,
            "verifiable": "VERIFIABLE",
        },
        *(Label(["SUPPORTS", "REFUTES", "NOT ENOUGH INFO"]), "REFUTES"),
    ),
    "mmlu": (
        {"question": "Which?", "subject": "law", "choices": ["a tort", "a tart", "x", "y"], "answer": 1},
        *(Choice(["a tort", "a tart", "x", "y"]), "B"),
    ),
    "mmlu_pro": (
        {"question": "Which?", "options": ["one", "two", "three"], "answer": "C", "answer_index": 2},
        *(Choice(["one", "two", "three"]), "C"),
    ),
    "arc": (
        {"id": "M-1", "question": "Which?", "choices": {"text": ["ice", "air"], "label": ["1", "2"]}, "answerKey": "2"},
        *(Choice(["ice", "air"], ["1", "2"]), "2"),
    ),
    "wikitq": (
        {
            "id": "nt-0",
            "question": "which towns are largest?",
            "answers": ["Oslo", "1,200"],
            "table": {
                "header": ["Town", "People"],
                "rows": [["Oslo", "709,037"], ["Moss", "49,668"]],
                "name": "csv/1.csv",
            },
        },
        *(Items(sep="|"), ("1200", "oslo[1]")),
    ),
    "tabfact": (
        {
            "id": 0,
            "table_id": "2-1.html.csv",
            "table_text": "town#people\nOslo#709,037\nMoss#49,668\n",
            "table_caption": "towns of norway",
            "statement": "Oslo is larger than Moss",
            "label": 1,
        },
        *(YesNo(), True),
    ),
    "tabmwp": (
        {
            "question": "How many?",
            "choices": None,
            "answer": "1,006",
            "unit": None,
            "table_title": "Towns",
            "table": "Town | People\nOslo | 709,037\nMoss | 49,668",
            "ques_type": "free_text",
            "ans_type": "integer_number",
        },
        *(Number(), 1006),
    ),
    "finqa": (
        {
            "id": "A/1.pdf-1",
            "filename": "A/1.pdf",
            "pre_text": ["Before.", "It."],
            "post_text": ["After."],
            "table": [["", "2008", "2007"], ["net sales", "$ 1,200", "$ ( 90 )"]],
            "question": "What change?",
            "answer": "53.2%",
            "exe_ans": "0.53232",
            "program": "divide(1, 2)",
        },
        *(Number(percent=True, tolerance=0.005), 0.532),
    ),
    "arc_easy": (
        {"id": "M-1", "question": "Which?", "choices": {"text": ["ice", "air"], "label": ["A", "B"]}, "answerKey": "B"},
        *(Choice(["ice", "air"]), "B"),
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_each_becomes_an_example(repository: Any, name: str) -> None:
    row, kind, right = ROWS[name]
    (example,) = repository(name, [row]).load(5, 0)
    assert example.problem.kind == kind
    assert example.score(right)
    assert not example.score(None)
    assert "Options:" not in example.problem.question or name == "bbh:navigate"


@pytest.mark.parametrize("name", ["wikitq", "tabfact", "tabmwp", "finqa"])
def test_a_table_comes_from_a_column(repository: Any, name: str) -> None:
    (example,) = repository(name, [ROWS[name][0]]).load(1, 0)
    problem = example.problem
    assert isinstance(problem.table, Table)
    assert len(problem.table.rows) == (1 if name == "finqa" else 2)
    assert problem.table.types[1] == "integer"
    assert "Oslo | 709,037" in problem.values()["problem"] or name == "finqa"
    assert from_json(to_json(example)) == example
    if name == "finqa":
        assert problem.context == "Before.\nIt.\nAfter."
        assert problem.table.header == ("column_1", "2008", "2007")
        assert problem.table.rows == (("net sales", 1200, -90),) or problem.table.types[2] == "text"
        assert example.score(problem.parse("The answer is 53.2%.").value)
    if name == "tabfact":
        assert problem.question == "Does the table support this statement? Oslo is larger than Moss"
        assert problem.context == "The table is about towns of norway."
        assert problem.table.title == "towns of norway"


def test_each_row_of_tabmwp_has_a_kind_of_its_own(repository: Any) -> None:
    row = ROWS["tabmwp"][0]
    rows = [row, {**row, "choices": ["yes", "no"], "answer": "yes"}, {**row, "answer": "$2.50"}]
    kinds = [example.problem.kind for example in repository("tabmwp", rows).load(3, 0)]
    assert kinds == [Number(), Choice(["yes", "no"]), Number()]


def test_questions_of_finqa_with_yes_or_no_are_left_out(repository: Any) -> None:
    row = ROWS["finqa"][0]
    rows = [{**row, "id": str(number), "exe_ans": answer} for number, answer in enumerate(["yes", "1.5", "no"])]
    assert [example.target for example in repository("finqa", rows).load(5, 0)] == ["1.5"]


def test_the_denotation_is_scored_and_survives_a_results_folder(repository: Any) -> None:
    (example,) = repository("wikitq", [ROWS["wikitq"][0]]).load(1, 0)
    for copy in (example, from_json(to_json(example))):
        assert copy.score(copy.problem.parse("The answer is 1200.0 | OSLO.").value)
        assert not copy.score(copy.problem.parse("The answer is Oslo.").value)
        assert not copy.score(copy.problem.parse("The answer is Oslo | 1,200 | Moss.").value)
        assert not copy.score(None)
    assert "WikiTableQuestions' evaluator" in tasks.get("wikitq").scorer


def test_a_configuration_may_be_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the Parquet branch of a repository whose main branch has a script."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    row = ROWS["wikitq"][0]
    for number, split in enumerate(["train", "validation", "test"]):
        for config in ("random-split-1", "random-split-2"):
            folder = tmp_path / "copy" / config / split
            folder.mkdir(parents=True)
            question = f"{config} {split}?"
            datasets.Dataset.from_list([{**row, "question": question}] * (number + 1)).to_parquet(
                folder / "0000.parquet"
            )
    task = tasks.get("wikitq")
    assert isinstance(task, huggingface.HubTask)
    assert (task.revision, task.folder) == ("refs/convert/parquet", "random-split-1")
    copy = huggingface.HubTask(**{**vars(task), "repository": str(tmp_path / "copy"), "revision": ""})
    (example,) = copy.load(1, 0)
    assert example.problem.question == "random-split-1 test?"
    assert copy.with_split("validation").load(1, 0)[0].problem.question == "random-split-1 validation?"


def test_every_task_of_the_hub_has_a_row_here() -> None:
    pictures = {"mathvista", "mathvista_free", "scienceqa"}
    assert {name.partition(":")[0] for name in ROWS} | {"drop", "math500"} | pictures == set(huggingface.catalogue())


def test_paragraphs_become_the_corpus_of_a_problem(repository: Any) -> None:
    (example,) = repository("hotpotqa_distractor", [ROWS["hotpotqa_distractor"][0]]).load(5, 0)
    documents = [Document("Osk is a town. It is old.", "Osk"), Document("A river.", "Vael")]
    assert example.problem.corpus == Corpus("hotpotqa_distractor", documents)
    assert example.problem.context is None
    assert example.problem.id == "hotpotqa_distractor-0001"


def test_a_claim_is_asked_without_its_evidence(repository: Any) -> None:
    (example,) = repository("fever", [ROWS["fever"][0]]).load(5, 0)
    assert example.problem.question.endswith("information on it? Osk is a river.")
    assert "town" not in repr(example.problem)
    assert example.family == "9"
    assert tasks.get("fever").kind == "label"


def test_a_competition_problem(repository: Any) -> None:
    row = {"problem": "Half?", "solution": "…", "answer": "\\frac{1}{2}", "unique_id": "a"}
    (example,) = repository("math500", [row]).load(5, 0)
    assert example.problem.kind.name == "expression"
    assert example.score(example.problem.kind.parse(r"So it is \boxed{\dfrac{1}{2}}."))


def test_any_of_several_answers_is_right(repository: Any) -> None:
    spans = {"spans": ["Ann", "Ann Lee"], "types": ["span", "span"]}
    row = {"section_id": "nfl_1", "passage": "Ann Lee won.", "question": "Who?", "answers_spans": spans}
    (example,) = repository("drop", [row]).load(5, 0)
    assert example.problem.context == "Ann Lee won."
    assert (example.score("ann lee"), example.score("Ann"), example.score("Lee")) == (True, True, False)
    assert str(example.target) == "Ann or Ann Lee"


def test_problems_that_are_alike_are_of_one_family(repository: Any) -> None:
    spans = {"spans": ["Ann"], "types": ["span"]}
    passages = [("nfl_1", "Who?"), ("nfl_1", "When?"), ("history_2", "Why?")]
    rows = [{"section_id": one, "passage": one, "question": asked, "answers_spans": spans} for one, asked in passages]
    found = repository("drop", rows).load(3, 0)
    assert {example.problem.question: example.family for example in found} == {
        "Who?": "nfl_1",
        "When?": "nfl_1",
        "Why?": "history_2",
    }
    for example in found:
        assert from_json(to_json(example)).family == example.family


def test_a_variation_is_of_the_family_of_its_question_whose_name_is_short(repository: Any) -> None:
    seeds = ["Ann has three pens and buys twice as many as that. Pens?"] * 2 + ["Two pens?"]
    rows = [
        {"question": f"{k}?", "answer": "1", "perturbation_type": "x", "seed_question": s} for k, s in enumerate(seeds)
    ]
    found = {example.problem.question: example.family for example in repository("gsm_plus", rows).load(3, 0)}
    assert found["0?"] == found["1?"] != found["2?"] == "Two pens?"
    assert len(found["0?"]) == 16


def test_a_seed_draws_from_sets_in_an_order_that_means_something(repository: Any) -> None:
    rows = [{"question": f"{k}?", "choices": ["a", "b", "c", "d"], "answer": k % 4} for k in range(40)]
    task = repository("mmlu", rows)
    first, more, other = task.load(5, 1), task.load(9, 1), task.load(5, 2)
    assert more[:5] == first
    assert first != other
    assert len(task.load(99, 1)) == 40
    numbers = [int(example.problem.id.rpartition("-")[2]) for example in first]
    assert numbers != sorted(numbers)


def test_rows_without_an_answer_are_left_out(repository: Any) -> None:
    rows = [
        {"question": f"{k}?", "answer": "None" if k % 2 else str(k), "perturbation_type": kind, "seed_question": "Pen?"}
        for k, kind in enumerate(["distraction", "critical thinking", "distraction"])
    ]
    assert sorted(example.target for example in repository("gsm_plus", rows).load(9, 0)) == ["0", "2"]


def test_any_repository_with_a_mapping(repository: Any) -> None:
    copy = repository("svamp", [{"frage": "Wie viele?", "antwort": "3"}])
    task = tasks.get(f"hf:{copy.repository}", {"question": "frage", "answer": "antwort", "config": "default"})
    (example,) = task.load(5, 0)
    assert (example.problem.question, example.problem.kind, example.target) == ("Wie viele?", Number(), "3")
    with pytest.raises(InputError, match=r"row 1: there is no column 'question' \(the columns are 'frage',"):
        tasks.get(f"hf:{copy.repository}", "config=default").load(5, 0)


def test_without_a_network_it_says_at_once_which_file_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    for name, instead in (("gsm8k", "--task jsonl:test.jsonl"), ("mmlu", "--task jsonl:FILE, with a question")):
        started = time.monotonic()
        with pytest.raises(InputError) as raised:
            tasks.get(name).load(3, 0)
        assert time.monotonic() - started < 60
        assert instead in str(raised.value)
        assert "\n" not in str(raised.value)


def test_offline_and_never_fetched_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    with pytest.raises(InputError, match="Give a file instead"):
        tasks.get("hf:openai/nothing-like-gsm8k").load(3, 0)


def test_the_tasks_are_listed_with_what_they_are() -> None:
    def told(*words: str) -> Result:
        return CliRunner(env={"COLUMNS": "200"}).invoke(app(), ["tasks", *words])

    listed = told().stdout
    for name in ("gsm_symbolic", "coin_flip", "mmlu_pro", "12,032", "CC-BY-NC-4.0", "expression", "hf:OWNER/NAME"):
        assert name in listed
    assert "problems: 1,362\n" in told("game24").stdout
    assert "source: lukaemon/bbh on the" in told("bbh:hyperbaton").stdout
    assert "bbh:word_sorting" in told("bbh").stdout
    assert "note: some targets are wrong" in told("mmlu").stdout
    assert "gym:chain_sum\n" in told("gym").stdout
    assert "kind: number\n" in told("gym:chain_sum").stdout
    assert "did you mean 'gsm8k'" in str(told("gms8k").exception)
    assert "several lines yet: arc_agi, binary_matrix" in " ".join(told("gym").stdout.split())
    assert "gym:sudoku" not in told("gym").stdout
    assert "problems: up to 250\n" in told("bbh:snarks").stdout
    for name in ("gsm8k", "hf:openai/gsm8k"):
        said = told(name).stdout
        assert "split: test\n" in said
        assert ("; public since 2021, so models" in " ".join(said.split())) is (name == "gsm8k")
        assert "may have seen it; compare with a task that is generated from a seed" in " ".join(said.split())
    assert "config: snarks\n" in told("bbh:snarks").stdout
    assert "splits: train, test\n" in told("gsm8k").stdout
    assert "GSM1k" in told("gsm8k").stdout
    assert "split" not in told("gsm_symbolic").stdout


def test_every_task_says_what_it_is_and_repeats_no_canary() -> None:
    for name in (*tasks.named(), "bbh:snarks", "gym:countdown"):
        if name == "bbh":
            continue
        task = tasks.get(name)
        for said in (task.kind, task.scorer, task.source, task.licence, task.contamination):
            assert said, name
        assert task.split in getattr(task, "splits", [""])
        assert bool(task.canary) is (name in ("bbh:snarks", "date_understanding")), name
        assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", task.canary)


def test_a_split_is_chosen_and_one_that_is_not_there_is_named(repository: Any, tmp_path: Path) -> None:
    usual, chosen = tasks.get("gsm8k"), tasks.get("gsm8k", split="train")
    assert isinstance(usual, huggingface.HubTask)
    assert isinstance(chosen, huggingface.HubTask)
    assert (usual.split, usual.size, chosen.split, chosen.size) == ("test", 1319, "train", None)
    assert usual.version() == "main, test" != chosen.version()
    assert tasks.get("gsm8k", split="test") == usual
    with pytest.raises(UsageError, match="the task 'gsm8k' has no split 'dev'; there are: train, test"):
        tasks.get("gsm8k", split="dev")
    for name in ("gsm_symbolic", "coin_flip", "game24", "feedback_category", "gym:chain_sum"):
        with pytest.raises(UsageError, match=f"the task '{name}' has no splits"):
            tasks.get(name, split="train")
    copy = repository("svamp", [{"question": "Pens?", "answer": "3"}])
    assert tasks.get(f"hf:{copy.repository}").load(1, 0)[0].target == "3"
    with pytest.raises(UsageError, match=f"'hf:{copy.repository}' has no split 'validation'; there are: test"):
        tasks.get(f"hf:{copy.repository}", split="validation").load(1, 0)
    with pytest.raises(UsageError, match="two splits are given, 'test' among the fields and 'dev'"):
        tasks.get(f"hf:{copy.repository}", "split=test", "dev")
    (tmp_path / "mine.toml").write_text(f'from = "hf:{copy.repository}"\nsplit = "dev"\n')
    assert [tasks.get(f"toml:{tmp_path}/mine.toml", split=one).split for one in ("", "test")] == ["dev", "test"]


def test_a_split_is_part_of_a_run(repository: Any, tmp_path: Path) -> None:
    def run(task: huggingface.HubTask) -> dict[str, Any]:
        compare("vanilla", task, ScriptedLLM(["The answer is 3."] * 2), out=tmp_path / "run", progress=False)  # type: ignore[arg-type]
        path = tmp_path / "run" / "run.json"
        settings: dict[str, Any] = json.loads(path.read_text())["settings"]
        return settings

    task = repository("svamp", [{"question_concat": "Pens?", "Answer": "3"}])
    assert run(task)["split"] == "test"
    assert Comparison.from_folder(ResultsFolder.read(tmp_path / "run")).title == "svamp (test) · 1 problem · scripted"
    with pytest.raises(SettingsChanged, match="split test → train"):
        run(task.with_split("train"))


def test_a_file_is_described_as_the_task_that_it_is(tmp_path: Path) -> None:
    def told(name: str) -> Result:
        return CliRunner().invoke(app(), ["tasks", name])

    (tmp_path / "a.csv").write_text("Q,answer\nHow many?,3\nHow few?,2\n")
    (tmp_path / "mine.toml").write_text('from = "csv:a.csv"\nquestion = "Q"\n')
    for line in ("problems: 2", "kind: number", "source: a.csv", "version: sha256 "):
        assert line in told(f"toml:{tmp_path}/mine.toml").stdout
    assert "the columns are 'Q', 'answer'; name yours: --fields 'question=Q'" in str(
        told(f"csv:{tmp_path}/a.csv").exception
    )
    assert "no such file" in str(told(f"jsonl:{tmp_path}/none.jsonl").exception)
    (tmp_path / "hub.toml").write_text('from = "hf:some/thing"\nrevision = "v2"\n')
    assert "revision: v2" in told(f"toml:{tmp_path}/hub.toml").stdout


def test_a_revision_is_part_of_the_version_and_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: dict[str, Any] = {}

    def load_dataset(*_: object, **how: Any) -> list[dict[str, Any]]:
        asked.update(how)
        return [{"question": "How many?", "answer": "3"}]

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    task = tasks.get(f"hf:{tmp_path}", "revision=v2")
    assert task.load(1, 0)[0].target == "3"
    assert asked["revision"] == "v2"
    assert "revision v2" in task.version()
    assert "revision" not in tasks.get("gsm8k").version()
