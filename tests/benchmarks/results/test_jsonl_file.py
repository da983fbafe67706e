"""Lines: whatever kills the writer, what was written is read, and what was torn is cut off."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.errors import InputError


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    lines = JsonlFile(tmp_path / "a.jsonl")
    assert list(lines.read()) == []
    records = [{"n": n, "text": "é\n\ud800 " * n} for n in range(3)]
    for record in records:
        lines.append(record)
        assert [one["n"] for one in JsonlFile(lines.path).read()] == list(range(record["n"] + 1))
    lines.close()
    lines.append({"n": 3})
    assert [one["n"] for one in lines.read()] == [0, 1, 2, 3]
    lines.close()


@pytest.mark.parametrize("torn", [b"{", b'{"n":9}', b'{"text":"' + b"x" * 200_000, b"\xff\xfe"])
def test_a_torn_last_line_is_ignored_and_overwritten(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":0}\n{"n":1}\n' + torn)
    lines = JsonlFile(path)
    assert [one["n"] for one in lines.read()] == [0, 1]
    lines.append({"n": 2})
    lines.close()
    assert path.read_bytes() == b'{"n":0}\n{"n":1}\n{"n":2}\n'


def test_a_file_that_is_only_a_torn_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n"')
    lines = JsonlFile(path)
    lines.append({"n": 0})
    lines.close()
    assert path.read_bytes() == b'{"n":0}\n'


@pytest.mark.parametrize(("damage", "said"), [(b"{nonsense}\n", "2: not JSON"), (b"[1]\n", "2: must be a JSON object")])
def test_a_damaged_line_is_named(tmp_path: Path, damage: bytes, said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":0}\n' + damage + b'{"n":2}\n')
    with pytest.raises(InputError, match=said):
        list(JsonlFile(path).read())


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").mkdir()
    with pytest.raises(InputError, match=r"a\.jsonl: cannot be (read|written)"):
        JsonlFile(tmp_path / "a.jsonl").append({})
    with pytest.raises(InputError, match="cannot be read"):
        list(JsonlFile(tmp_path / "a.jsonl").read())


FULL = """
import resource, signal, sys
from pathlib import Path
from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.errors import InputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
lines = JsonlFile(Path(sys.argv[1]))
kept = 0
try:
    while True:
        lines.append({"n": kept, "text": "x" * 90})
        kept += 1
except InputError as error:
    print(kept, error)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no limit on the size of files here")
def test_a_full_disk_keeps_what_was_written_and_no_half_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    run = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    kept, _, said = run.stdout.partition(" ")
    assert "cannot be written" in said
    assert "stored before is kept" in said
    assert 5 < int(kept) < 11
    assert [json.loads(line)["n"] for line in path.read_bytes().splitlines(keepends=True)] == list(range(int(kept)))


KILLED = """
import sys
from pathlib import Path
from reasoning.benchmarks.results.jsonl_file import JsonlFile
lines = JsonlFile(Path(sys.argv[1]))
for n in range(10**9):
    lines.append({"n": n, "text": "x" * 5000})
    if n == 200:
        print("well under way", flush=True)
"""


def test_a_kill_in_the_middle_of_writing_leaves_a_readable_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for _ in range(3):
        path.unlink(missing_ok=True)
        with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            writer.kill()
        lines = JsonlFile(path)
        numbers = [record["n"] for record in lines.read()]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) > 200
        lines.append({"n": len(numbers)})
        lines.close()
        assert len(list(lines.read())) == len(numbers) + 1
