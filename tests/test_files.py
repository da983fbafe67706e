"""Files written whole or not at all, and JSON lines with the place of every error."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from reasoning.data_files import read_jsonl
from reasoning.errors import InputError
from reasoning.files import atomic_path, atomic_write, parse_json


@pytest.mark.parametrize("content", ["ä\n\r\n", "ä\n\r\n".encode(), ["ä", "\n\r\n"]])
def test_a_file_is_written_as_it_is(tmp_path: Path, content: str | bytes | list[str]) -> None:
    path = tmp_path / "report.md"
    for _ in range(2):
        atomic_write(path, content)
    assert path.read_bytes() == "ä\n\r\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_lone_surrogate_does_not_stop_a_report(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a", "x\ud800y")
    assert (tmp_path / "a").read_text() == "x?y"


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    atomic_write(path, "old")

    def parts() -> Iterator[str]:
        yield "new"
        raise KeyError("x")

    with pytest.raises(KeyError):
        atomic_write(path, parts())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["nowhere/report.md", "file/report.md"])
def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"report\.md: cannot be written: "):
        atomic_write(tmp_path / place, "text")
    with pytest.raises(InputError, match="cannot be written: No space"), atomic_path(tmp_path / "a"):
        raise OSError(28, "No space left on device")


def test_lines_come_with_their_numbers(tmp_path: Path) -> None:
    text = '\ufeff{"a": 1}\r\n\n  \n{"b": "\u2028ä"}'
    for path, data in ((tmp_path / "a.jsonl", text.encode()), (tmp_path / "a.jsonl.gz", gzip.compress(text.encode()))):
        path.write_bytes(data)
        assert list(read_jsonl(path)) == [(1, {"a": 1}), (4, {"b": "\u2028ä"})]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "2: not JSON: Expecting property name enclosed in double quotes at column"),
        (b"[1]", "2: must be a JSON object, got list"),
        (b'{"a": "\xfc"}', "2: not UTF-8: byte 0xfc at 7"),
        (b"[" * 100_000, "2: not JSON"),
        (b'{"a": ' + b"1" * 5_000 + b"}", "2: not JSON: Exceeds the limit"),
    ],
)
def test_an_error_begins_with_file_and_line(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_bytes(b'{"a": 1}\n' + line + b"\n")
    with pytest.raises(InputError) as raised:
        list(read_jsonl(path))
    assert str(raised.value).startswith(f"{path}:{message}")


def test_damaged_gzip_and_missing_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 9)[:-12])
    with pytest.raises(InputError, match=r"tasks\.jsonl\.gz:\d+: the gzip data is truncated or damaged"):
        list(read_jsonl(path))
    path.write_bytes(b"plain")
    with pytest.raises(InputError, match=r"tasks\.jsonl\.gz: cannot be read: Not a gzipped file"):
        list(read_jsonl(path))
    with pytest.raises(InputError, match=r"nowhere\.jsonl: no such file"):
        list(read_jsonl(tmp_path / "nowhere.jsonl"))


def test_a_value_of_any_kind_is_parsed() -> None:
    assert parse_json("[1, 2.5, null]", "here") == [1, 2.5, None]
