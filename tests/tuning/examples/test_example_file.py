"""The file of training examples: what is written, read, refused, and what a kill leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reasoning.errors import InputError
from reasoning.messages import Message
from reasoning.tuning.examples.example_file import (
    ExampleFile,
    ExampleHeader,
    TrainingExample,
    append_example,
    create_example_file,
    locked,
    read_examples,
    write_examples,
)

HEADER = ExampleHeader(step="categories", chain="feedback", prompt_sha256="ab", teacher="big", votes=5, agree=4)


def example(name: str = "one", reply: str = '{"a": "b"}', text: str = "Sort: slow") -> TrainingExample:
    return TrainingExample(name, (Message("system", "You sort."), Message("user", text)), reply, name)


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_a_file_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / ".tuning" / "categories.jsonl"
    create_example_file(path, HEADER)
    made = [example("one"), example("two", "naïve   text", "a\tb\nc\x1b[31m")]
    for one in made:
        append_example(path, one)
    assert read_examples(path) == ExampleFile(HEADER_READ, tuple(made))
    assert json.loads(lines(path)[0]) == {
        "format": "reasoning-training-1",
        "step": "categories",
        "chain": "feedback",
        "prompt_sha256": "ab",
        "teacher": "big",
        "votes": 5,
        "agree": 4,
        "counts": {"kept": 0, "refused": 0, "disagreed": 0, "near_duplicates": 0},
    }
    assert json.loads(lines(path)[1]) == {
        "id": "one",
        "messages": [{"role": "system", "content": "You sort."}, {"role": "user", "content": "Sort: slow"}],
        "reply": '{"a": "b"}',
        "group": "one",
    }
    # Nothing in the file reaches a terminal as an escape sequence.
    assert "\x1b" not in path.read_text(encoding="utf-8")


HEADER_READ = replace(HEADER, counts={"kept": 0, "refused": 0, "disagreed": 0, "near_duplicates": 0})


def test_a_torn_last_line_is_ignored_and_then_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    create_example_file(path, HEADER)
    append_example(path, example("one"))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"id": "two", "mess')
    assert [one.id for one in read_examples(path).examples] == ["one"]
    append_example(path, example("three"))
    assert [one.id for one in read_examples(path).examples] == ["one", "three"]


def test_the_digest_follows_the_content_and_not_the_spelling(tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    content = ExampleFile(HEADER_READ, (example(),))
    write_examples(one, content)
    two.write_text("".join(json.dumps(json.loads(line), indent=None) + "\n" for line in lines(one)), encoding="utf-8")
    assert one.read_bytes() != two.read_bytes()
    assert read_examples(one).sha256 == read_examples(two).sha256 == content.sha256
    assert replace(content, examples=(example(reply="{}"),)).sha256 != content.sha256


GOOD = example().to_json()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1]", "must be a JSON object"),
        ('{"id": "x"', "not JSON"),
        (json.dumps({**GOOD, "id": ""}), "'id' must be a text that is not empty"),
        (json.dumps({**GOOD, "id": "a\nb"}), "'id' must be a line"),
        (json.dumps({**GOOD, "group": "\x1b[31m"}), "'group' must be a line"),
        (json.dumps({**GOOD, "messages": []}), "'messages' must be a list of chat turns"),
        (json.dumps({**GOOD, "messages": [{"role": "root", "content": "x"}]}), "turn 1: the role must be one of"),
        (json.dumps({**GOOD, "messages": [{"role": "user", "content": 1}]}), "turn 1: 'content' must be a text"),
        (json.dumps({**GOOD, "messages": ["user"]}), "turn 1: the role"),
        (json.dumps({**GOOD, "messages": [{"role": "assistant", "content": "x"}]}), "must not be the assistant's"),
        (json.dumps({**GOOD, "reply": " "}), "'reply' must be a text"),
        (json.dumps({**GOOD, "reply": 5}), "'reply' must be a text"),
        (json.dumps({**GOOD, "reply": "a\0b"}), "NUL"),
        (json.dumps({**GOOD, "messages": [{"role": "user", "content": "a\ud800b"}]}), "lone surrogate"),
        (json.dumps({**GOOD, "reply": "x<|im_end|>"}), "mark of a chat turn"),
        (json.dumps({**GOOD, "reply": "x" * 10_000_000}), "at most 200,000 characters"),
        ('{"id": "a", "id": "b"}', "occurs twice"),
        (json.dumps(GOOD), "the id 'one' is already used in line 2"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "file.jsonl"
    write_examples(path, ExampleFile(HEADER, (example(),)))
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match=message) as error:
        read_examples(path)
    assert f"{path}:3" in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"id": "x"}, "must be a header"),
        ({**HEADER.to_json(), "format": "other-2"}, "must be a header"),
        ({**HEADER.to_json(), "strategy": "cot"}, "either 'step' or 'strategy'"),
        ({**HEADER.to_json(), "step": ""}, "either 'step' or 'strategy'"),
        ({**HEADER.to_json(), "counts": {"kept": -1}}, "'counts'"),
        ({**HEADER.to_json(), "votes": True}, "'votes'"),
        ({**HEADER.to_json(), "teacher": 1}, "'teacher'"),
    ],
)
def test_a_bad_header_is_named(tmp_path: Path, header: dict[str, object], message: str) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text(json.dumps(header) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=message) as error:
        read_examples(path)
    assert str(error.value).startswith(f"{path}:1: ")


def test_a_missing_and_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_examples(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(InputError, match="must be a header"):
        read_examples(tmp_path / "empty.jsonl")


def test_one_process_at_a_time_writes_a_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.jsonl"
    with locked(path), pytest.raises(InputError, match="another process is writing here"), locked(path):
        pass
    with locked(path):
        create_example_file(path, HEADER)
