"""Sentences with problems, treatments and tests, and spans in the user's own files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

import reasoning as r
from reasoning.benchmarks import tasks
from reasoning.benchmarks.tasks.clinical_entities import DEFINITIONS, GUIDELINE, LABELS
from reasoning.errors import InputError, UnknownName
from reasoning.testing import ScriptedLLM

SPLITS = {"train": 20, "development": 15, "test": 25}


def test_every_sentence_once_and_its_target_is_right() -> None:
    sentences: list[str] = []
    labels: Counter[str] = Counter()
    for split, size in SPLITS.items():
        task = tasks.get("clinical_entities", split=split)
        examples = task.load(1000, 0)
        assert (task.split, len(examples)) == (split, size)
        assert task.load(5, 0) == examples[:5] != task.load(5, 1)
        for example in examples:
            kind = example.problem.kind
            spans = kind.target(example.target)
            assert kind.show(spans) == example.target
            assert example.score(spans)
            sentences.append(str(example.problem.context))
            labels.update(span.label for span in spans)
    assert len(set(sentences)) == 60
    assert all(labels[label] >= 25 for label in LABELS)
    assert set(DEFINITIONS) == set(LABELS)
    assert len(GUIDELINE.splitlines()) >= 5


def test_an_unknown_split_names_the_nearest() -> None:
    assert tasks.get("clinical_entities").split == "test"
    with pytest.raises(UnknownName, match="did you mean 'train'"):
        tasks.get("clinical_entities", split="trian")


def test_a_run_shows_f1_and_the_right_share(tmp_path: Path) -> None:
    examples = tasks.get("clinical_entities").load(10, 0)
    targets = {str(one.problem.context): str(one.target) for one in examples}

    def answer(turns: object) -> str:
        sentence, marked = next((text, marked) for text, marked in targets.items() if text in str(turns))
        return sentence if "third day" in sentence else f"```html\n{marked}\n```"

    result = r.benchmarks.compare("vanilla", "clinical_entities", ScriptedLLM(answer), limit=10, progress=False)
    row = result.rows[0]
    assert (row.n, row.unparsed) == (10, 0)
    assert [metric.title for metric in row.metrics] == ["exact F1", "relaxed F1"]
    assert [metric.value for metric in row.metrics] == [1.0, 1.0]
    assert row.accuracy == 1.0
    assert "| exact F1 | relaxed F1 |" in str(result)


def test_a_file_of_spans(tmp_path: Path) -> None:
    rows = [
        {
            "question": "Mark the drugs.",
            "context": "Took aspirin, then <5 mg of aspirin.",
            "kind": {"kind": "spans", "labels": ["drug"]},
            "answer": [{"text": "aspirin", "label": "drug", "start": start} for start in (5, 28)],
        },
        {"question": "No drugs here", "kind": {"kind": "spans", "labels": ["drug"]}, "answer": []},
    ]
    path = tmp_path / "spans.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    first, second = tasks.get(str(path)).load(10, 0)
    assert first.target == "Took <drug>aspirin</drug>, then &lt;5 mg of <drug>aspirin</drug>."
    assert first.score(first.problem.kind.parse('{"drug": ["aspirin", "aspirin"]}'))
    assert not first.score(first.problem.kind.parse("drug: aspirin"))
    assert second.score(second.problem.kind.parse("None"))
    rows[0]["answer"] = [{"text": "aspirin", "label": "drug", "start": 4}]
    path.write_text(json.dumps(rows[0]), encoding="utf-8")
    with pytest.raises(InputError, match=r"spans\.jsonl:1: .*'aspirin' must stand at 4, got ' aspiri' there"):
        tasks.get(str(path)).load(10, 0)


def test_the_results_folder_keeps_the_spans(tmp_path: Path) -> None:
    marked = "Started <treatment>warfarin</treatment>."
    example = r.Example(r.Problem("Mark.", r.kinds.Spans(["treatment"]), "Started warfarin.", id="a"), marked)
    first = r.benchmarks.compare("vanilla", [example], ScriptedLLM([marked]), out=tmp_path / "o", progress=False)
    again = r.benchmarks.compare("vanilla", [example], ScriptedLLM([]), out=tmp_path / "o", progress=False)
    assert first.results[0].value == again.results[0].value == marked
    assert again.rows[0].metrics[0].value == 1.0


def test_spans_can_be_voted_on() -> None:
    problem = r.Problem("Mark.", r.kinds.Spans(["problem"]), "Fever and cough.")
    replies = ["<problem>Fever</problem> and cough.", "Problem: fever", '{"problem": ["Fever", "cough"]}']
    answer = r.strategies.get("self_consistency(vanilla, samples=3)").run(problem, ScriptedLLM(replies))
    assert problem.kind.show(answer.value) == replies[0]
    assert answer.confidence == pytest.approx(2 / 3)
