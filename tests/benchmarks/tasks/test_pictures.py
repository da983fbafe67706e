"""Tasks with pictures: from files with a column of images, and from the hub."""

from __future__ import annotations

import base64
import csv
import json
from pathlib import Path
from typing import Any

import pytest

from reasoning.benchmarks import tasks
from reasoning.benchmarks.experiment import compare
from reasoning.benchmarks.results.example_json import from_json, to_json
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.tasks import huggingface
from reasoning.errors import InputError, SettingsChanged, UsageError
from reasoning.images import Image
from reasoning.kinds import Choice, Number
from reasoning.testing import ScriptedLLM
from tests.image_files import gif, png, png_that_states

DATA = "data:image/png;base64," + base64.b64encode(png()).decode()


def write(folder: Path, *rows: dict[str, Any], name: str = "set.jsonl") -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"jsonl:{folder / name}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with pictures, and one picture outside of it."""
    inside = tmp_path / "data"
    (inside / "charts").mkdir(parents=True)
    (inside / "charts" / "a.png").write_bytes(png())
    (inside / "b.gif").write_bytes(gif())
    (inside / "evil.png").write_bytes(b"<svg onload='alert(1)'>")
    (inside / "huge.png").write_bytes(png_that_states(50_000, 50_000))
    (tmp_path / "secret.png").write_bytes(png(9, 9))
    (inside / "link.png").symlink_to(tmp_path / "secret.png")
    return inside


def test_rows_name_images_within_the_folder_urls_and_data(folder: Path) -> None:
    rows = [
        {"question": "Bars?", "answer": "3", "image": "charts/a.png"},
        {"question": "Both?", "answer": "2", "image": ["b.gif", "./charts/a.png"]},
        {"question": "Web?", "answer": "1", "image": "https://example.invalid/x.png"},
        {"question": "Data?", "answer": "1", "image": DATA},
        {"question": "None?", "answer": "0", "image": ""},
        {"question": "Nothing?", "answer": "0"},
    ]
    images = [example.problem.images for example in tasks.get(write(folder, *rows)).load(9, 0)]
    chart, moving = Image.of(png()), Image.of(gif())
    assert images == [(chart,), (moving, chart), (Image.of("https://example.invalid/x.png"),), (chart,), (), ()]
    assert [image.name for image in images[0]] == ["a.png"]


def test_a_csv_and_another_column(folder: Path) -> None:
    with open(folder / "set.csv", "w", newline="") as file:
        csv.writer(file).writerows([["question", "answer", "picture"], ["Bars?", "3", "charts/a.png"]])
    plain, mapped = f"csv:{folder / 'set.csv'}", tasks.get(f"csv:{folder / 'set.csv'}", fields={"image": "picture"})
    assert tasks.get(plain).load(1, 0)[0].problem.images == ()
    assert mapped.load(1, 0)[0].problem.images == (Image.of(png()),)
    assert mapped.version() != tasks.get(plain).version()


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("../secret.png", "must be in the folder"),
        ("charts/../../secret.png", "must be in the folder"),
        ("link.png", "must be in the folder"),
        ("/etc/passwd", "must be in the folder"),
        ("~/x.png", "cannot be read"),
        ("file:///etc/passwd", "cannot be read"),
        ("missing.png", "No such file"),
        ("evil.png", "got SVG"),
        ("huge.png", "at most 100 million pixels"),
        ("charts", "cannot be read|regular file"),
        (7, "a path, a URL or bytes, got 7"),
        ({"path": "charts/a.png"}, "must have its bytes, got an object with path"),
        ("data:image/png;base64,AAAA", "must be PNG"),
    ],
)
def test_what_a_row_may_not_name(folder: Path, cell: Any, message: str) -> None:
    task = tasks.get(write(folder, {"question": "Bars?", "answer": "3", "image": cell}))
    with pytest.raises(InputError, match=message) as error:
        task.load(1, 0)
    assert "set.jsonl:1: " in str(error.value)


def test_an_example_keeps_what_identifies_its_images(folder: Path) -> None:
    [example] = tasks.get(write(folder, {"question": "Bars?", "answer": "3", "image": "charts/a.png"})).load(1, 0)
    stored = to_json(example)
    assert stored["images"] == [
        {"media_type": "image/png", "sha256": Image.of(png()).sha256, "width": 2, "height": 3, "name": "a.png"}
    ]
    assert from_json(json.loads(json.dumps(stored))).problem.images == (Image.of(png()),)


def test_a_run_continues_with_its_images_and_notices_a_changed_one(folder: Path, tmp_path: Path) -> None:
    name = write(folder, {"question": "Bars?", "answer": "3", "image": "charts/a.png"})
    out = tmp_path / "run"
    llm = ScriptedLLM(lambda messages: "The answer is 3.")
    compare(["vanilla"], name, llm, out=out)
    compare(["vanilla", "cot"], name, llm, out=out)
    assert [sum(len(turn.images) for turn in sent.messages) for sent in llm.requests] == [1, 1]
    assert all(image.data for sent in llm.requests for turn in sent.messages for image in turn.images)
    (folder / "charts" / "a.png").write_bytes(png(colour=3))
    with pytest.raises(SettingsChanged, match="has changed"):
        compare(["vanilla", "cot", "self_consistency(cot, samples=2)"], name, llm, out=out)
    assert ResultsFolder.read(out).examples["set-0001"].problem.images == (Image.of(png()),)


datasets = pytest.importorskip("datasets")


def hub(
    name: str, path: Path, row: dict[str, Any], column: str, monkeypatch: pytest.MonkeyPatch
) -> huggingface.HubTask:
    """Return a task that reads a copy of its repository with one row, whose image is a feature of `datasets`."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", path / "cache")
    task = tasks.get(name)
    assert isinstance(task, huggingface.HubTask)
    copy = path / "copy"
    copy.mkdir()
    parts = f"- config_name: {task.config or 'default'}\n  data_files:\n  - split: {task.split}\n    path: data.parquet"
    (copy / "README.md").write_text(f"---\nconfigs:\n{parts}\n---\n")
    set_ = datasets.Dataset.from_list([row])
    set_.cast_column(column, datasets.Image(decode=False)).to_parquet(copy / "data.parquet")
    return huggingface.HubTask(**{**vars(task), "repository": str(copy)})


PICTURE = {"bytes": png(), "path": "../../images/1.png"}


def test_mathvista_with_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "pid": "2",
        "question": "Which is taller?",
        "choices": ["red", "blue"],
        "answer": "blue",
        "question_type": "multi_choice",
        "decoded_image": PICTURE,
        "image": "images/2.jpg",
        "query": "Hint: …",
    }
    [example] = hub("mathvista", tmp_path, row, "decoded_image", monkeypatch).load(1, 0)
    assert example.problem.kind == Choice(["red", "blue"])
    assert (example.score("B"), example.score("A")) == (True, False)
    [image] = example.problem.images
    assert (image, image.name) == (Image.of(png()), "1.png")
    assert example.problem.id == "2"


def test_mathvista_without_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "pid": "1",
        "question": "How tall?",
        "choices": None,
        "answer": "1.2",
        "question_type": "free_form",
        "decoded_image": PICTURE,
        "query": "Hint: … one decimal place …\nQuestion: How tall? (Unit: m)",
    }
    [example] = hub("mathvista_free", tmp_path, row, "decoded_image", monkeypatch).load(1, 0)
    assert (example.problem.kind, example.score(1.2), example.score(1.3)) == (Number(), True, False)
    assert example.problem.question.endswith("Question: How tall? (Unit: m)")
    assert example.problem.images == (Image.of(png()),)


def test_scienceqa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "image": PICTURE,
        "question": "Which?",
        "choices": ["sea", "sky"],
        "answer": 1,
        "hint": "Look.",
        "lecture": "",
    }
    task = hub("scienceqa", tmp_path, row, "image", monkeypatch)
    [example] = task.load(1, 0)
    assert (example.problem.context, example.target) == ("Look.", "B")
    assert example.problem.images == (Image.of(png()),)
    with pytest.raises(UsageError, match="has no split 'train'"):
        tasks.get("scienceqa").with_split("train")  # type: ignore[attr-defined]
