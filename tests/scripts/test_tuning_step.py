"""The measurements of tuned steps: samples written by hand, and the entries that a model gives exactly."""

import json

import pytest
from tuning_step.categories import judge_entries, read_entries, read_inputs
from tuning_step.samples import make_samples

import reasoning
from reasoning.benchmarks.statistics.paired import disagreements
from reasoning.testing import ScriptedLLM


def test_samples_are_labelled_by_the_categories_written_with_their_issues():
    samples = make_samples(20, seed=0).examples
    assert len(samples) == 20
    for one in samples:
        label = json.loads(one.reply)
        assert label
        assert all(issue in one.messages[-1].content for issue in label)
    assert make_samples(20, seed=0).examples == samples != make_samples(20, seed=1).examples


def test_an_entry_counts_only_if_its_issue_and_its_category_are_exact(monkeypatch: pytest.MonkeyPatch):
    inputs = read_inputs()[:2]
    gold = [one.values["categories"] for one in inputs]
    wrong = dict.fromkeys(gold[1], "unknown")
    replies = [json.dumps(gold[0]), json.dumps(wrong)]
    monkeypatch.setattr(reasoning, "connect", lambda *_, **__: ScriptedLLM(replies))
    assert judge_entries("any", inputs, 64) == [True] * len(gold[0]) + [False] * len(gold[1])


def test_replies_that_are_no_object_have_no_entries():
    assert read_entries("no JSON") == read_entries("[1]") == {}


def test_changes_are_counted_in_both_directions():
    assert disagreements([False, True, True], [True, False, False]) == (2, 1)
