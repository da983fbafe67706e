"""Every technique to its end on a real model, with few tokens: what a small model says is mostly malformed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reasoning import Example, Problem, connect, event_loop, kinds, strategies
from reasoning.engine.llm import LLM
from reasoning.kinds.label import Label
from reasoning.retrieval import Corpus, Document
from reasoning.session import Session
from reasoning.trace import Call, Trace

CONTEXT = "Ann keeps bees and has 3 hives. Her brother is 40. She sells honey at 6 dollars a jar."
HIVES = Problem("How many hives has Ann? I guess 40.", kinds.Number(), context=CONTEXT)
ROW = Problem("Box Q is on box R. Which one is at the bottom?", options=["Q", "R"])
NEWS = Problem("What happened?", context="A ferry sank on Monday.\n---\nOn Monday a ferry went down.")
BEES = Problem("How many hives has Ann?", kinds.Number(), corpus=Corpus("bees", [Document(CONTEXT, "Ann")]))
TERMS = {"hive": "a box for bees"}

RUNS = [
    ("plan_and_solve", HIVES),
    ("complex_cot(shots=2, samples=3, most_complex=2)", HIVES),
    ("chain_of_symbol(shots=2)", ROW),
    ("contrastive_cot(shots=2)", HIVES),
    ("analogical(max_tokens=12)", HIVES),
    ("thread_of_thought(max_tokens=12)", HIVES),
    ("implicit_rag", HIVES),
    ("system2_attention(cot)", HIVES),
    ("instructed(cot)", HIVES),
    ("metacognitive", HIVES),
    ("chain_of_event(words=10)", NEWS),
    (f"defined_terms({TERMS!r})", HIVES),
    ("guided(guideline='A hive is a box for bees.')", HIVES),
    ("verify_and_edit(cot(stages=1), samples=3, max_sentences=2)", BEES),
    ("chain_of_knowledge(samples=2, threshold=1.0, max_tokens=12)", BEES),
]
SLOW = [
    ("system2_attention(instructed(sc(cot(shots=1), samples=2)))", ROW),
    ("maieutic(depth=1, width=1, max_tokens=12)", Problem("Do bees make honey?", kinds.YesNo())),
]


@pytest.fixture(scope="module")
def llm(smollm: Path) -> Iterator[LLM]:
    with connect(f"local:{smollm}", journal=False, max_tokens=12) as llm:
        yield llm


@pytest.mark.model
@pytest.mark.parametrize(("spec", "problem"), RUNS, ids=[spec.partition("(")[0] for spec, _ in RUNS])
def test_it_ends_in_one_of_the_states_within_its_calls(spec: str, problem: Problem, llm: LLM) -> None:
    strategy = strategies.get(spec)
    answer = strategy.run(problem, llm)
    assert answer.state in ("answered", "unparsed")
    least, most = strategy.calls_range()
    assert least <= answer.usage.calls <= most
    assert answer.trace is not None
    assert all(isinstance(call, Call) and call.completions for call in answer.trace.calls())
    if answer.state == "answered":
        assert problem.kind.show(answer.value)


@pytest.mark.long
@pytest.mark.model
@pytest.mark.usefixtures("selected_by_mark")
@pytest.mark.parametrize(("spec", "problem"), SLOW, ids=[spec.partition("(")[0] for spec, _ in SLOW])
def test_those_of_many_calls_do_too(spec: str, problem: Problem, llm: LLM) -> None:
    test_it_ends_in_one_of_the_states_within_its_calls(spec, problem, llm)


@pytest.mark.model
def test_an_error_analysis_ends(llm: LLM) -> None:
    feeling = Label(("positive", "negative"))
    pool = [Example(Problem(f"{text} Is that positive or negative?", feeling), "negative") for text in "abc"]
    made = event_loop.run_sync(strategies.get("guided(task='Judge.')")._fit(pool, Session(llm, Trace("fit"))))  # type: ignore[attr-defined]
    assert made.task == "Judge."
    assert all(rule.strip() for rule in made.errors)
