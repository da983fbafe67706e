"""Images in a journal: kept once, copied with their draws, verified, exported and pruned."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
from pathlib import Path

import pytest

from reasoning.errors import InputError
from reasoning.images import Image
from reasoning.journal import Journal
from reasoning.journal.codec import encode
from reasoning.journal.exporting import export_draws
from reasoning.journal.importing import import_draws, merge_journal
from reasoning.journal.maintenance import prune, verify
from reasoning.journal.unwritten_draws import UnwrittenDraws
from reasoning.messages import Completion, Message, Request
from tests.image_files import gif, png

RED, BLUE = Image.from_bytes(png(colour=1), name="red.png"), Image.from_bytes(gif())


def request(*images: Image, model: str = "some/model") -> Request:
    return Request(model, (Message("user", "How many?", images),), {"temperature": 0.0})


def recorded(path: Path, *requests: Request, draws: int = 2) -> Journal:
    journal = Journal(path)
    for one in requests:
        journal.write(one, [Completion("two", key=one.key, draw=draw) for draw in range(draws)])
    return journal


def stored(path: Path) -> dict[str, int]:
    with sqlite3.connect(path) as connection:
        return {key.hex(): len(data) for key, data in connection.execute("SELECT sha256, data FROM images")}


def has_table(path: Path) -> bool:
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'images'").fetchone() is not None


def test_each_image_is_kept_once_and_read_back(tmp_path: Path) -> None:
    for journal in (
        Journal(),
        recorded(tmp_path / "a.sqlite", request(RED), request(RED, BLUE), request(Image.of("https://a.example/x.png"))),
    ):
        if journal.path is None:
            journal.write(request(RED, BLUE), [Completion("two")])
        else:
            assert stored(journal.path) == {RED.sha256: len(RED.data), BLUE.sha256: len(BLUE.data)}
        assert journal.images([RED.sha256, BLUE.sha256, "0" * 64]) == {
            RED.sha256: RED.data,
            BLUE.sha256: BLUE.data,
        }
        assert journal.read(request(RED, BLUE).key, [0])[0].text == "two"
        journal.close()


def test_a_journal_without_images_has_no_table_for_them(tmp_path: Path) -> None:
    recorded(tmp_path / "a.sqlite", request()).close()
    assert not has_table(tmp_path / "a.sqlite")
    assert list(verify(tmp_path / "a.sqlite")) == []
    assert prune(tmp_path / "a.sqlite") == 2
    assert Journal(tmp_path / "a.sqlite").images([RED.sha256]) == {}


def test_a_results_folder_keeps_a_copy_of_the_images_of_its_draws(tmp_path: Path) -> None:
    parent = recorded(tmp_path / "user.sqlite", request(RED), request(BLUE))
    own = Journal(tmp_path / "own.sqlite", parent=parent)
    assert own.read(request(RED).key, [0, 1]).keys() == {0, 1}
    own.close()
    assert stored(tmp_path / "own.sqlite") == {RED.sha256: len(RED.data)}
    parent.close()


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz"])
def test_an_export_brings_the_images_of_its_draws(tmp_path: Path, ending: str) -> None:
    path, out = tmp_path / "a.sqlite", tmp_path / f"draws{ending}"
    recorded(path, request(), request(RED), request(RED, BLUE), request(BLUE, model="other")).close()
    assert export_draws(path, out, model="some/model") == 6
    with (gzip.open if ending.endswith("gz") else open)(out, "rt") as file:
        lines = [json.loads(line) for line in file]
    assert ["image" in line for line in lines] == [False, False, True, False, False, True, False, False]
    result = import_draws(tmp_path / "b.sqlite", out)
    assert (result.new, result.damaged) == (6, 0)
    assert stored(tmp_path / "b.sqlite") == stored(path)
    assert list(verify(tmp_path / "b.sqlite")) == []
    assert import_draws(tmp_path / "b.sqlite", out).known == 6


def test_a_merge_brings_sound_images_and_repairs_damaged_ones(tmp_path: Path) -> None:
    recorded(tmp_path / "a.sqlite", request(RED)).close()
    recorded(tmp_path / "b.sqlite", request(RED), request(BLUE)).close()
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("UPDATE images SET data = x'00'")
    with sqlite3.connect(tmp_path / "b.sqlite") as connection:
        connection.execute("UPDATE images SET data = x'00' WHERE media_type = 'image/gif'")
    [problem] = verify(tmp_path / "a.sqlite")
    assert problem == f"the image {RED.sha256}: its bytes do not have this SHA-256: it is damaged"
    assert Journal(tmp_path / "a.sqlite").images([RED.sha256]) == {}
    merge_journal(tmp_path / "a.sqlite", tmp_path / "b.sqlite")
    assert list(verify(tmp_path / "a.sqlite")) == [
        f"the image {BLUE.sha256}: a request names it, and its bytes are missing"
    ]
    assert Journal(tmp_path / "a.sqlite").images([RED.sha256]) == {RED.sha256: RED.data}


def test_a_new_draw_repairs_a_damaged_image(tmp_path: Path) -> None:
    recorded(tmp_path / "a.sqlite", request(RED)).close()
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("UPDATE images SET data = x'00'")
    recorded(tmp_path / "a.sqlite", request(RED), draws=3).close()
    assert list(verify(tmp_path / "a.sqlite")) == []


def test_pruning_deletes_images_that_no_request_names(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    recorded(path, request(RED), request(BLUE, model="other"), request(RED, BLUE, model="third")).close()
    assert prune(path, model="third") == 2
    assert set(stored(path)) == {RED.sha256, BLUE.sha256}
    assert prune(path, model="other") == 2
    assert set(stored(path)) == {RED.sha256}
    assert list(verify(path)) == []


def test_draws_that_a_journal_cannot_take_are_kept_with_their_images(tmp_path: Path) -> None:
    kept = UnwrittenDraws(tmp_path / "a.sqlite")
    kept.add([encode(request(RED), [Completion("two")])], [tmp_path])
    [file] = tmp_path.glob("a-unwritten-*.jsonl")
    assert import_draws(tmp_path / "a.sqlite", file).new == 1
    assert stored(tmp_path / "a.sqlite") == {RED.sha256: len(RED.data)}


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ({}, "must be an object with 'sha256', 'media_type' and 'data'"),
        ("x", "must be an object"),
        ({"sha256": "0" * 64, "media_type": "image/png", "data": "!"}, "must be an object"),
        ({"sha256": "0" * 64, "media_type": "image/png", "data": base64.b64encode(b"<svg>").decode()}, "got SVG"),
        (
            {"sha256": "0" * 64, "media_type": "image/png", "data": base64.b64encode(png()).decode()},
            "must have its sha256",
        ),
        (
            {"sha256": BLUE.sha256, "media_type": "text/html", "data": base64.b64encode(gif()).decode()},
            "must have its sha256",
        ),
    ],
)
def test_hostile_lines_of_an_export_are_refused(tmp_path: Path, image: object, message: str) -> None:
    (tmp_path / "draws.jsonl").write_text(json.dumps({"image": image}) + "\n")
    with pytest.raises(InputError, match=message):
        import_draws(tmp_path / "a.sqlite", tmp_path / "draws.jsonl")
