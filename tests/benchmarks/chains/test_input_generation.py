"""New inputs for a step: seeded by real ones, none twice, accepted by a person."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reasoning.benchmarks.chains import input_generation
from reasoning.benchmarks.chains.suite import load_suite
from reasoning.errors import UnknownName, UsageError
from reasoning.testing import ScriptedLLM
from tests.benchmarks.chains.chain_folder import write
from tests.faults.server import Server


def maker(folder: Path, step: str) -> input_generation.InputGenerator:
    found = load_suite(folder, "trusted")
    return input_generation.InputGenerator(
        found.chain, step, input_generation.seed_inputs(found.chain, step, found.cases)
    )


def numbered(start: int = 0) -> Any:
    numbers = iter(range(start, 1000))
    return lambda messages: f"Parcel {(n := next(numbers))} was lost in street {n * 7} on day {n * 31}"


def test_they_are_seeded_by_real_ones_and_none_is_like_another(tmp_path: Path) -> None:
    made = maker(write(tmp_path / "notes"), "points")
    assert [one["note"] for one in made.real] == ["It came late and wet.", "All fine."]
    replies = iter(["All fine.", "The parcel was red.", "the parcel was red", "Late again!"])
    llm = ScriptedLLM(lambda messages: next(replies, "Late again!"))
    found = list(made.generate(3, llm))
    assert [one.inputs["note"] for one in found] == ["The parcel was red.", "Late again!"]
    assert "It came late and wet." in llm.prompts[0]
    assert input_generation.TWISTS[0] in llm.prompts[0]
    assert input_generation.TWISTS[1] in llm.prompts[1]
    assert {dict(request.sampling)["temperature"] for request in llm.requests} == {1.0}


def test_the_same_seed_gives_the_same_and_another_one_others(tmp_path: Path) -> None:
    folder = write(tmp_path / "notes")
    llm = ScriptedLLM(numbered())
    first = [one.text for one in maker(folder, "points").generate(4, llm)]
    calls = llm.calls
    assert [one.text for one in maker(folder, "points").generate(4, llm)] == first
    assert llm.calls == calls
    other = [one.text for one in maker(folder, "points").generate(4, llm, seed=1)]
    assert not set(other) & set(first)


def test_a_later_step_is_given_what_it_reads(tmp_path: Path) -> None:
    made = maker(write(tmp_path / "notes"), "tone")
    assert ("came late", "came wet") in [one["points"] for one in made.real]
    found = list(made.generate(1, ScriptedLLM(lambda messages: "too loud; too dark")))
    assert found[0].inputs == {"points": ("too loud", "too dark")}


def test_what_cannot_be_seeded_is_said(tmp_path: Path) -> None:
    folder = write(tmp_path / "notes", '[[case]]\nstep = "tone"\ninput = ["a"]\n')
    with pytest.raises(UsageError, match="no real input of step 'points'"):
        maker(folder, "points")
    with pytest.raises(UnknownName, match="did you mean 'points'"):
        maker(folder, "point")


@pytest.fixture
def server() -> Iterator[Server]:
    say = numbered()
    with Server(say=lambda prompt, nth, place: say(prompt)) as running:
        yield running


def command(
    server: Server, folder: Path, *arguments: str, stdin: str = "", **environment: str
) -> tuple[int, str, list[dict[str, Any]]]:
    code = "from reasoning.cli.app import main; main()"
    model = ("--model", "mock", "--base-url", server.url, "--journal", str(folder.parent / "journal.sqlite"))
    done = subprocess.run(
        [sys.executable, "-c", code, "chain", "generate", str(folder), *arguments, *model],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    path = folder / "tests" / "samples.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return done.returncode, done.stdout + done.stderr, rows


def test_a_person_accepts_changes_and_rejects(tmp_path: Path, server: Server) -> None:
    folder = write(tmp_path / "notes")
    editor = tmp_path / "editor.sh"
    editor.write_text("#!/bin/sh\necho 'My own words.' > \"$1\"\n")
    editor.chmod(0o755)
    code, out, rows = command(server, folder, "points", "-n", "4", stdin="y\nx\nn\ne\nq\n", EDITOR=str(editor))
    assert code == 0, out
    assert [row["id"] for row in rows] == ["sample-points-1", "sample-points-2"]
    assert rows[1]["input"] == {"note": "My own words."}
    assert "2 more cases" in out
    code, out, rows = command(server, folder, "points", "-n", "2", "--accept", "all", "--seed", "1")
    assert code == 0, out
    assert [row["id"] for row in rows] == [f"sample-points-{n}" for n in range(1, 5)]
    assert len(load_suite(folder, "trusted").cases) == 7  # they are cases


def test_what_was_written_before_is_not_gone_by(tmp_path: Path) -> None:
    found = load_suite(write(tmp_path / "notes"), "trusted")
    real = input_generation.seed_inputs(found.chain, "points", found.cases)
    made = input_generation.InputGenerator(
        found.chain, "points", real, known=[{"note": f"Synthetic zebra {n}"} for n in range(50)]
    )
    assert len(made.real) == 2
    replies = iter(["Synthetic zebra 7", "The parcel was red.", "Synthetic zebra 7"])
    llm = ScriptedLLM(lambda messages: next(replies, "A new bell rings."))
    assert [one.text for one in made.generate(3, llm)] == ["The parcel was red.", "A new bell rings."]
    assert not any("zebra" in prompt or "red" in prompt for prompt in llm.prompts)


def test_each_accepted_one_is_kept_at_once(tmp_path: Path, server: Server) -> None:
    folder = write(tmp_path / "notes")
    path = folder / "tests" / "samples.jsonl"
    path.write_text('{"step": "points", "input": {"note": "Old."}}')  # without an end of line
    code = "from reasoning.cli.app import main; main()"
    model = ("--model", "mock", "--base-url", server.url, "--journal", str(tmp_path / "journal.sqlite"))
    running = subprocess.Popen(
        [sys.executable, "-c", code, "chain", "generate", str(folder), "points", "-n", "3", *model],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write("y\n")
    running.stdin.flush()
    shown = ""
    while "2 of 3" not in shown:  # then the first is accepted, and the second asked for
        line = running.stdout.readline()
        assert line, "it ended"
        shown += line
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate()
    assert "samples.jsonl: 1 more case; add expected" in errors
    assert [json.loads(line).get("id") for line in path.read_text().splitlines()] == [None, "sample-points-1"]


def test_wrong_usage(tmp_path: Path, server: Server) -> None:
    folder = write(tmp_path / "notes")
    code, out, _ = command(server, folder, "points", "--accept", "everything")
    assert (code, "unknown way to accept" in out) == (2, True)
    code, out, rows = command(server, folder, "points", "-n", "2")
    assert (code, rows) == (0, [])  # without a person to ask, nothing is accepted
    (tmp_path / "real.txt").write_text("Where is it?")
    (folder / "tests" / "notes.toml").unlink()
    code, out, rows = command(
        server, folder, "points", "-n", "1", "--accept", "all", "--from", str(tmp_path / "real.txt")
    )
    assert (code, len(rows)) == (0, 1), out
