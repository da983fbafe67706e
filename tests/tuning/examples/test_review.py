"""The review of labels: accepted, corrected, dropped; stored at once; never lost by labelling again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from reasoning.errors import InputError
from reasoning.messages import Message
from reasoning.testing import ScriptedLLM
from reasoning.tuning.examples.example_file import TrainingExample, read_examples
from reasoning.tuning.examples.review import Decision, ReviewDialogue, ReviewFile
from tests.tuning.examples.test_labelling import good, label

EXAMPLES = [
    TrainingExample(name, (Message("user", f"Sort {name}"),), "good", name) for name in ("one", "two", "three", "four")
]


def review(path: Path, lines: Iterable[str | None], edited: str = "") -> tuple[bool, list[str], ReviewFile]:
    said: list[str] = []
    given = iter(lines)
    file = ReviewFile(path)

    def find_error(example: TrainingExample, reply: str) -> str:
        return "" if reply in ("good", "bad") else f"{reply} is no tone"

    dialogue = ReviewDialogue(
        file, EXAMPLES, find_error, lambda prompt: next(given), said.append, lambda text: edited or text
    )
    return dialogue.run(), said, file


def applied(file: ReviewFile) -> list[str | None]:
    return [None if (done := file.apply(one)) is None else done.reply for one in EXAMPLES]


def test_each_is_accepted_corrected_or_dropped(tmp_path: Path) -> None:
    complete, said, file = review(tmp_path / "tone.jsonl", ["", "fine", "bad", ":nonsense", ":drop", ":edit"], "bad\n")
    assert complete
    assert applied(file) == ["good", "bad", None, "bad"]
    assert "not stored: fine is no tone" in said
    assert "no such command: :nonsense; :help lists them" in said
    assert applied(ReviewFile(tmp_path / "tone.jsonl")) == ["good", "bad", None, "bad"]
    assert review(tmp_path / "tone.jsonl", [])[1] == ["every label has been reviewed"]


@pytest.mark.parametrize("end", [":quit", None])
def test_a_review_that_was_left_continues(tmp_path: Path, end: str | None) -> None:
    complete, _, file = review(tmp_path / "tone.jsonl", ["bad", end])
    assert not complete
    assert applied(file) == ["bad", "good", "good", "good"]
    complete, said, file = review(tmp_path / "tone.jsonl", ["", "", "bad"])
    assert complete
    assert "1 of 3 · two" in said[1]
    assert applied(file) == ["bad", "good", "good", "bad"]


def test_back_changes_a_decision(tmp_path: Path) -> None:
    complete, said, file = review(tmp_path / "tone.jsonl", [":back", ":drop", ":back", "bad", "", "", ""])
    assert complete
    assert "this is the first label" in said
    assert applied(file) == ["bad", "good", "good", "good"]


def test_a_decision_on_other_messages_does_not_count(tmp_path: Path) -> None:
    file = ReviewFile(tmp_path / "tone.jsonl")
    file.add(Decision.of(EXAMPLES[0], "dropped"))
    changed = TrainingExample("one", (Message("user", "Sort it"),), "good", "one")
    assert file.apply(EXAMPLES[0]) is None
    assert file.apply(changed) == changed


def test_nothing_that_is_shown_reaches_the_terminal_as_an_escape(tmp_path: Path) -> None:
    said: list[str] = []
    hostile = TrainingExample("one", (Message("user", "x\x1b[2J"),), "y\x1b[2J", "one")
    dialogue = ReviewDialogue(
        ReviewFile(tmp_path / "t.jsonl"), [hostile], lambda *_: "", lambda _: None, said.append, str
    )
    dialogue.run()
    assert "x�[2J" in said[-1]
    assert "\x1b" not in "".join(said)


def test_a_huge_input_does_not_fill_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = replace(EXAMPLES[0], messages=(Message("user", "x" * 100_000),))
    monkeypatch.setattr("tests.tuning.examples.test_review.EXAMPLES", [huge])
    _, said, _ = review(tmp_path / "tone.jsonl", [""])
    assert said[1].endswith("x… (92,000 more characters)\n\nLabel: good")
    assert len(said[1]) < 9_000


@pytest.mark.parametrize("line", ['{"id": "x"}', json.dumps({**Decision("a", "b", "burned").__dict__})])
def test_a_damaged_file_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "t.review.jsonl").write_text(line + "\n")
    with pytest.raises(InputError, match=r"t\.review\.jsonl:1: must be a decision"):
        ReviewFile(tmp_path / "t.jsonl")


def test_labelling_again_keeps_what_a_person_decided(tmp_path: Path) -> None:
    path, notes = tmp_path / "t.jsonl", ["one", "two", "three"]
    done = label(path, ScriptedLLM(good), notes, votes=1, agree=1)
    done.reviews.add(Decision.of(done.examples["one"], "dropped"))
    done.reviews.add(Decision.of(done.examples["two"], "corrected", '{"tone": "bad"}'))
    done.save()
    expected = [("two", '{"tone": "bad"}'), ("three", '{"tone": "good"}')]
    assert [(one.id, one.reply) for one in read_examples(path).examples] == expected
    # Neither with the file nor without it is a decision lost, and what was dropped costs nothing again.
    for calls in (0, 2):
        llm = ScriptedLLM(good)
        again = label(path, llm, notes, votes=1, agree=1)
        assert llm.calls == calls
        assert [(one.id, one.reply) for one in read_examples(path).examples] == expected
        counts = again.content.header.counts
        assert (counts["kept"], counts["dropped"], counts["corrected"]) == (2, 1, 1)
        path.unlink()
