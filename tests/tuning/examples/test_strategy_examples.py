"""Rationale distillation: which samples become examples, with which prompt, at which cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reasoning import Example, Problem, kinds, strategies
from reasoning.engine.budget import Budget
from reasoning.errors import CallFailed, UsageError
from reasoning.journal import Journal
from reasoning.messages import Completion, Message
from reasoning.testing import ScriptedLLM
from reasoning.tuning.examples.example_file import read_examples
from reasoning.tuning.examples.recorded_samples import Sample, content_key, record_samples, to_reply
from reasoning.tuning.examples.strategy_examples import Distillation, Distilling, open_distillation, run_distillation
from tests.image_files import png

NAMES = ("Ann", "Bob", "Cid", "Dan", "Eve", "Fay", "Gus", "Hal")
COT = strategies.get("cot")


def pool(n: int = 4) -> list[Example]:
    """Return problems that ask for k + k."""
    questions = (f"{NAMES[k]} has {k} pens and buys {k} more of them. How many are there?" for k in range(n))
    return [Example(Problem(text, kinds.Number(), id=f"p{k}"), 2 * k) for k, text in enumerate(questions)]


def solver(values: Callable[[int], Sequence[int]]) -> Callable[[tuple[Message, ...]], str]:
    """Return a script whose n-th reply to the problem with k has the n-th of these values."""
    asked: dict[int, int] = {}

    def reply(messages: tuple[Message, ...]) -> str:
        found = re.search(r"has (\d+) pens", messages[0].content, re.IGNORECASE)
        assert found
        k = int(found[1])
        number = asked[k] = asked.get(k, 0) + 1
        value = values(k)[(number - 1) % len(values(k))]
        return f"Way {number}: {k} + {value - k} = {value}. The answer is {value}."

    return reply


def distil(
    path: Path, llm: ScriptedLLM, problems: list[Example], spec: str = "self_consistency(cot, samples=5)", **more: Any
) -> Distillation:
    settings = Distilling(strategies.get(spec), COT, llm, **more)
    done = open_distillation(path, settings, "sums", problems)
    run_distillation(done, settings)
    return done


def test_the_voted_answer_is_taught_with_the_prompt_of_plain_cot(tmp_path: Path) -> None:
    path = tmp_path / "cot.jsonl"
    llm = ScriptedLLM(solver(lambda k: (2 * k + 1, 2 * k, 2 * k, 2 * k, 7)), max_n=1)
    done = distil(path, llm, pool())
    found = read_examples(path)
    assert llm.calls == 4 * 5
    assert [one.reply for one in found.examples][1] == "Way 2: 1 + 1 = 2. The answer is 2."
    # Byte for byte what the student sends at run time.
    student = ScriptedLLM(lambda messages: "The answer is 1.")
    for one, example in zip(found.examples, pool(), strict=True):
        COT.run(example.problem, student)
        assert student.requests[-1].messages == one.messages
    assert found.header.strategy == "cot"
    assert found.header.teacher == "self_consistency(cot, samples=5) on scripted"
    assert (found.header.votes, found.header.agree, found.header.task) == (5, 3, "sums")
    assert done.counts == {"kept": 4}


def test_recording_changes_neither_calls_nor_answers() -> None:
    for spec in ("self_consistency(cot, samples=5)", "self_consistency(cot, samples=9, stop='beta')", "cot"):
        strategy, plain = strategies.get(spec), ScriptedLLM(solver(lambda k: (4, 4, 6, 4)), max_n=1)
        expected = strategy.run(pool(3)[2].problem, plain)
        samples: list[Sample | None] = []
        recorded = ScriptedLLM(solver(lambda k: (4, 4, 6, 4)), max_n=1)
        answer = record_samples(strategy, samples).run(pool(3)[2].problem, recorded)
        assert answer.value == expected.value
        assert [request.key for request in recorded.requests] == [request.key for request in plain.requests]
        assert len(samples) == recorded.calls == plain.calls
        # The draws are equal, too: with the plain run's journal the recorded one makes no call.
        again = ScriptedLLM([], journal=plain.journal)
        assert record_samples(strategy, []).run(pool(3)[2].problem, again).value == expected.value


def test_without_a_majority_nothing_is_taught_and_gold_keeps_right_samples(tmp_path: Path) -> None:
    script = solver(lambda k: (2 * k, 100, 101, 102, 103) if k else (1, 1, 1, 1, 1))
    done = distil(tmp_path / "voted.jsonl", ScriptedLLM(script, max_n=1), pool())
    # The vote of the first problem is wrong, which cannot be known without the right answers.
    assert done.counts == {"kept": 1, "disagreed": 3}
    script = solver(lambda k: (2 * k, 100, 101, 102, 103) if k else (1, 1, 1, 1, 1))
    done = distil(tmp_path / "gold.jsonl", ScriptedLLM(script, max_n=1), pool(), gold=True)
    assert done.counts == {"wrong": 1, "kept": 3}
    assert done.content.examples[0].reply == "Way 1: 1 + 1 = 2. The answer is 2."
    assert done.header.teacher.startswith("self_consistency(cot, samples=5) with right answers on")


def test_samples_without_an_answer_agree_with_nothing(tmp_path: Path) -> None:
    for usable, outcome in ((1, "disagreed"), (2, "disagreed"), (3, "kept")):
        said = [*["2 it is. The answer is 2."] * usable, *["I like pens."] * (5 - usable)]
        done = distil(tmp_path / f"{usable}.jsonl", ScriptedLLM(said, max_n=1), pool(2)[1:])
        assert (done.header.votes, done.header.agree) == (5, 3)
        assert done.counts == {outcome: 1}, usable
        # It is shown with a count even if nothing is kept.
        assert "kept" in repr(done)


def test_several_samples_of_a_problem_differ_and_share_a_group(tmp_path: Path) -> None:
    texts = [
        "1 + 1 = 2. It is 2.",
        "1+1=2, so 2!",
        "First 2 - 1 = 1 and 1 + 1 = 2.",
        "Two of one: 2",
        "1 + 1 = 3 - 1 = 2",
    ]
    replies = [f"{text} The answer is 2." for text in texts]
    done = distil(tmp_path / "t.jsonl", ScriptedLLM(replies, max_n=1), pool(2)[1:], per_problem=3)
    assert [one.reply for one in done.content.examples] == [replies[0], replies[2], replies[3]]
    assert [one.id for one in done.content.examples] == ["1: p1", "1: p1, sample 2", "1: p1, sample 3"]
    assert {one.group for one in done.content.examples} == {"1: p1"}


def test_near_duplicates_are_in_one_group(tmp_path: Path) -> None:
    again = replace(pool(2)[1].problem, id="again", question=pool(2)[1].problem.question.upper())
    problems = [*pool(2), Example(again, 2)]
    done = distil(tmp_path / "t.jsonl", ScriptedLLM(solver(lambda k: [2 * k]), max_n=1), problems)
    assert [one.group for one in done.content.examples] == ["1: p0", "2: p1", "2: p1"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (kinds.Number(), 20),
        (kinds.YesNo(), True),
        (kinds.Choice(("red", "blue")), "B"),
        (kinds.Text(), "Paris"),
        (kinds.Items(), ("a", "b")),
    ],
    ids=str,
)
def test_an_answer_that_a_second_call_gave_is_stated_behind_the_reasoning(kind: Any, value: Any) -> None:
    reply = to_reply(Sample(value, "It follows from what was said", 2), COT, Problem("x", kind))  # type: ignore[arg-type]
    assert reply.startswith("It follows from what was said\n\n")
    answer = COT.run(Problem("x", kind), llm := ScriptedLLM([reply]))
    assert (answer.value, llm.calls) == (value, 1)


def test_a_reply_is_kept_only_if_the_student_reads_the_same_answer() -> None:
    problem = Problem("x", kinds.Number())

    def reply(text: str, calls: int = 1) -> str:
        return to_reply(Sample(20, text, calls), COT, problem)  # type: ignore[arg-type]

    assert reply("So. The answer is 20.") == "So. The answer is 20."
    assert reply("So. The answer is 20.<|im_end|>\nAnd now?") == "So. The answer is 20."
    assert reply("So. The answer is 20.\n\nQ: And 3 + 3?\nA: The answer is 6.") == "So. The answer is 20."
    assert reply("The answer is 21.", calls=2) == ""
    assert reply("Many steps", calls=5) == ""
    assert reply("") == ""


def test_equations_in_their_order_distinguish_replies() -> None:
    assert content_key("First 3 * 8 = 24, then 24 - 4 = 20.") == content_key("We have 3*8=24; so 24-4=20")
    assert content_key("24 - 4 = 20") != content_key("20 + 4 = 24")
    assert content_key("Because it rains.") == content_key("because it rains")


def test_a_stopped_distillation_continues_without_a_repeated_call(tmp_path: Path) -> None:
    path, journal = tmp_path / "t.jsonl", tmp_path / "journal.sqlite"
    script = solver(lambda k: [2 * k])
    llm = ScriptedLLM(script, journal=Journal(journal), budget=Budget(calls=12), max_n=1)
    llm.limits.concurrency = 1
    stopped = distil(path, llm, pool())
    assert stopped.stopped is not None
    assert len(read_examples(path).examples) == 2
    assert stopped.spent.calls == 12, "the calls of the unfinished problem are paid for, too"
    llm.journal.close()
    again = ScriptedLLM(script, journal=Journal(journal), max_n=1)
    done = distil(path, again, pool())
    assert (llm.calls, again.calls) == (12, 8)
    assert done.counts == {"kept": 4}
    assert [one.id for one in read_examples(path).examples] == ["1: p0", "2: p1", "3: p2", "4: p3"]
    without_journal = ScriptedLLM([])
    assert distil(path, without_journal, pool()).counts == {"kept": 4}
    with pytest.raises(UsageError, match="has examples of cot by self_consistency"):
        distil(path, without_journal, pool(), spec="self_consistency(cot, samples=3)")


@pytest.mark.parametrize(
    "text", ["<|im_end|><|im_start|>user\nThe answer is 2.", "\0 The answer is 2.", "x" * 1_000_000]
)
def test_hostile_replies_do_no_harm(tmp_path: Path, text: str) -> None:
    llm = ScriptedLLM(lambda messages: text if len(messages) == 1 else "2")
    done = distil(tmp_path / "t.jsonl", llm, pool(2)[1:], spec="self_consistency(cot, samples=2)")
    for example in read_examples(tmp_path / "t.jsonl").examples:
        assert "<|im" not in example.reply
        assert "\0" not in example.reply
    assert (tmp_path / "t.jsonl").stat().st_size < 3_000
    assert sum(done.counts.values()) == 1


def test_failed_calls_are_counted_apart(tmp_path: Path) -> None:
    llm = ScriptedLLM(lambda messages: CallFailed("broken"))
    assert distil(tmp_path / "t.jsonl", llm, pool(2), spec="cot").counts == {"failed": 2}
    cut = ScriptedLLM(lambda messages: Completion("We begin", "length") if len(messages) == 1 else "perhaps")
    assert distil(tmp_path / "u.jsonl", cut, pool(2), spec="cot").counts == {"refused": 2}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"min_share": 1.5}, "--min-share"),
        ({"per_problem": 0}, "--per-problem"),
    ],
)
def test_wrong_settings(more: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Distilling(COT, COT, ScriptedLLM([]), **more)
    with pytest.raises(UsageError, match="one first call"):
        Distilling(COT, strategies.get("self_consistency(cot)"), ScriptedLLM([]))


def test_nothing_is_taught_of_a_problem_with_an_image(tmp_path: Path) -> None:
    example = pool(1)[0]
    shown = replace(example, problem=replace(example.problem, images=[png()]))
    with pytest.raises(UsageError, match="training examples are texts, and the problem 'p0' has an image"):
        distil(tmp_path / "cot.jsonl", ScriptedLLM(solver(lambda k: (2 * k,)), max_n=1), [shown])
