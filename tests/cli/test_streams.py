"""Commands whose output nothing reads, or that are started without standard streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.server import Server, by_place

MAIN = [sys.executable, "-c", "from reasoning.cli.app import main; main()"]
PROBLEMS = 8
CHAIN = '[inputs]\nfeedback = "text"\n\n[[step]]\nname = "reply"\nprompt = "reply.md"\n'


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(say=by_place, latency=0.05) as server:
        yield server


def bench_run(folder: Path, server: Server) -> list[str]:
    lines = [json.dumps({"id": f"sum-{k}", "question": f"What is {k} + {k}?", "answer": k}) for k in range(PROBLEMS)]
    (folder / "sums.jsonl").write_text("\n".join(lines) + "\n")
    words = ["bench", "run", "--task", "jsonl:sums.jsonl", "--strategies", "vanilla, cot", "--out", "out"]
    return [*words, "--model", "mock", "--base-url", server.url, "--concurrency", "2", "--journal", "j.sqlite"]


def without_reader(words: list[str], folder: Path, *streams: str, lines: int = 0) -> tuple[int, str, str]:
    """Run a command, and close the reading end of these streams after some lines of standard output."""
    running = subprocess.Popen([*MAIN, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
    assert running.stdout is not None
    assert running.stderr is not None
    said = {"stdout": "".join(running.stdout.readline() for _ in range(lines)), "stderr": ""}
    for name in streams:
        getattr(running, name).close()
    for name in {"stdout", "stderr"} - {*streams}:
        said[name] += getattr(running, name).read()
        getattr(running, name).close()
    return running.wait(timeout=60), said["stdout"], said["stderr"]


def test_a_run_goes_on_to_its_end_without_a_reader(tmp_path: Path, server: Server) -> None:
    words = bench_run(tmp_path, server)
    code, _, said = without_reader(words, tmp_path, "stdout")
    assert (code, server.completions) == (0, 2 * PROBLEMS)
    assert "results: out" in said
    assert "Error" not in said
    assert "Broken" not in said
    for number, streams in enumerate((("stderr",), ("stdout", "stderr"))):
        code, out, _ = without_reader([*words, "--out", f"again-{number}", "--json"], tmp_path, *streams)
        assert code == 0
        assert ("vanilla" in out) == ("stdout" not in streams)
        assert (tmp_path / f"again-{number}" / "results.jsonl").read_text().count("\n") == 2 * PROBLEMS
    for shown in (["show", "out"], ["report", "out"]):
        code, _, said = without_reader(["bench", *shown], tmp_path, "stdout")
        assert code == 0
        assert "rror" not in said


@pytest.mark.parametrize("words", [["strategies"], ["tasks"], ["--help"], ["bench", "run", "--help"]])
def test_a_list_ends_quietly(words: list[str], tmp_path: Path) -> None:
    for lines in (0, 1):
        assert without_reader(words, tmp_path, "stdout", lines=lines)[::2] == (0, "")


def test_a_chain_buys_no_rows_that_nothing_reads(tmp_path: Path, server: Server) -> None:
    folder, inputs = tmp_path / "replies", 200
    folder.mkdir()
    (folder / "chain.toml").write_text(f'name = "replies"\n\n{CHAIN}')
    (folder / "reply.md").write_text("# Input\n\nReply to {feedback}\n")
    rows = [json.dumps({"id": k, "feedback": f"late {k}"}) for k in range(inputs)]
    (tmp_path / "inputs.jsonl").write_text("\n".join(rows))
    words = ["chain", "run", "replies", "inputs.jsonl", "--model", "mock", "--base-url", server.url]
    words += ["--concurrency", "2", "--journal", "j.sqlite"]
    code, out, said = without_reader(words, tmp_path, "stdout", lines=1)
    assert (code, said) == (141, "")
    assert json.loads(out)["state"] == "answered"
    assert 1 <= server.completions < inputs
    bought = server.completions
    # What was bought is recorded, and with a file nothing is read anyway.
    code, _, said = without_reader([*words, "--out", "rows.jsonl"], tmp_path, "stdout", "stderr")
    assert code == 0
    assert inputs <= server.completions <= inputs + 2 < inputs + bought + 2
    assert (tmp_path / "rows.jsonl").read_text().count("\n") == inputs


@pytest.mark.skipif(sys.platform == "win32", reason="no such redirections")
def test_commands_start_without_standard_streams(tmp_path: Path, server: Server) -> None:
    """Descriptors 0 to 2 are closed: the first files that are opened must not take their places."""
    words = bench_run(tmp_path, server)
    close = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    assert subprocess.run([*close, *MAIN, *words], cwd=tmp_path, check=False, timeout=60).returncode == 0
    results = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["state"] for line in results] == ["answered"] * 2 * PROBLEMS
    asked = subprocess.run([*close, *MAIN, "ask", "--file", "-"], cwd=tmp_path, check=False, timeout=60)
    assert asked.returncode == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device")
def test_a_full_disk_is_no_closed_pipe(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*MAIN, "strategies"], stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False
        )
    assert done.returncode == 1
    assert "No space left on device: 'standard output'" in done.stderr
