"""auto_cot and synthetic in a benchmark: fitted on what is not judged, and given back from the run's files."""

from __future__ import annotations

import re
from pathlib import Path

from reasoning import Example, Problem, kinds, strategies
from reasoning.benchmarks import compare
from reasoning.messages import Message
from reasoning.strategies.demonstrations.worked_example import read_examples
from reasoning.testing import ScriptedLLM

THINGS = ("pens", "cups", "rolls", "tulips")
EXAMPLES = [
    Example(Problem(f"Ann has {n} boxes with {m} {thing} in each of them. How many {thing}?", kinds.Number()), n * m)
    for n in range(2, 6)
    for m, thing in enumerate(THINGS, 3)
]


def reply(messages: tuple[Message, ...]) -> str:
    last = messages[-1].content
    if "list of 50 nouns" in last:
        return "ferry\nharbour\ntree"
    if last.startswith("Topic:"):
        topic, steps = re.findall(r": (\w+)", last)
        return f"a = 1  # 1\nQuestion: A {topic} has {sum(map(ord, topic)) % 89} parts of {steps} kg. How heavy is it?"
    a, b = map(int, re.findall(r"\d+", last)[:2])
    if "# solution in Python" in last:
        return f"def solution():\n    parts = {a}\n    return parts * {b}"
    return f"Each of {a} has {b}.\nSo {a} * {b} = {a * b}.\nThe answer is {a * b}."


def test_a_run_fits_them_on_other_problems_and_keeps_what_they_learned(tmp_path: Path) -> None:
    llm = ScriptedLLM(reply)
    specs = ["auto_cot(k=3)", "self_consistency(auto_cot(k=3), samples=2)", "synthetic(k=2, iterations=8, topics=3)"]
    run = compare(specs, EXAMPLES, llm, limit=6, out=tmp_path / "run", progress=False)
    assert [(row.n, row.correct) for row in run.rows] == [(6, 6)] * 3
    assert run.source is not None
    judged = {example.problem.question for example in run.source.examples.values()}
    assert len(judged) == 6
    others = {example.problem.question for example in EXAMPLES} - judged
    files = sorted(path.name for path in (tmp_path / "run" / "fitted").glob("*.toml"))
    assert files == ["auto_cot.toml", "synthetic.toml"], "the vote and the technique alone learn once"
    (learned,) = read_examples(tmp_path / "run" / "fitted" / "auto_cot.toml").values()
    assert len(learned) == 3
    assert {example.question for example in learned} <= others
    again = strategies.get(f"auto_cot(k=3, demonstrations={str(tmp_path / 'run' / 'fitted' / 'auto_cot.toml')!r})")
    assert not again.needs_fit
    before = llm.calls
    compare(specs, EXAMPLES, llm, limit=6, out=tmp_path / "run", progress=False)
    assert llm.calls == before
