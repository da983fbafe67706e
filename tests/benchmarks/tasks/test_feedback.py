"""The issues of the shipped feedback as problems."""

from __future__ import annotations

from collections import Counter

import pytest

import reasoning
from reasoning.benchmarks import tasks
from reasoning.benchmarks.tasks.feedback import FEEDBACK_CATEGORY, FEEDBACK_SENTIMENT, Feedback
from reasoning.testing import ScriptedLLM


@pytest.mark.parametrize("task", [FEEDBACK_CATEGORY, FEEDBACK_SENTIMENT], ids=lambda task: task.name)
def test_every_issue_once_and_in_the_seed_s_order(task: Feedback) -> None:
    assert tasks.get(task.name) == task
    every = task.load(1000, 0)
    assert len(every) == task.size == len({example.problem.id for example in every})
    assert task.load(10, 0) == every[:10] != task.load(10, 1)
    for example in every:
        assert example.target in task.labels.options
        assert example.score(example.target)
        assert example.problem.context
        assert example.problem.inputs["target"] in example.problem.question


def test_all_labels_are_there() -> None:
    for task in (FEEDBACK_CATEGORY, FEEDBACK_SENTIMENT):
        assert Counter(one.target for one in task.load(1000, 0)).keys() == set(task.labels.options)


def test_techniques_for_labels_serve_it() -> None:
    (example,) = FEEDBACK_SENTIMENT.load(1, 0)
    model = ScriptedLLM(lambda turns: "The answer is negative.")
    for spec in ("vanilla", "three_hop(samples=1)"):
        assert reasoning.strategies.get(spec).run(example.problem, model).value == "negative"
