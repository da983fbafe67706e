"""`reasoning chain test`, `eval`, `compare`, and cases as tests of pytest: as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.chains.chain_folder import CASES, said, write
from tests.command_line import reasoning
from tests.faults.server import Server, always


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(say=lambda prompt, nth, place: said(prompt)) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "notes")


def run(server: Server, command: str, *arguments: object) -> tuple[int, str, str]:
    folder = Path(str(arguments[0]).partition("@")[0])
    model = ("--model", "mock", "--base-url", server.url, "--journal", str(folder.parent / "journal.sqlite"))
    done = reasoning("chain", command, *map(str, arguments), *model)
    return done.returncode, done.stdout, done.stderr


def test_test_names_what_was_refused(folder: Path, server: Server) -> None:
    code, out, errors = run(server, "test", folder)
    assert code == 1, errors
    assert "passed   fine" in out
    assert "rejected late\n         points: " in out
    assert "reply: 'sorry' is not in We are glad." in out
    assert "notes@1: 1 of 3 cases passed" in out
    code, out, errors = run(server, "test", folder, "--min-pass-rate", "0.3", "--json")
    assert (code, "spent now: nothing" in errors) == (0, True)
    found = json.loads(out)
    assert (found["passed"], found["n"], found["run"]) == (1, 3, "notes@1")
    assert [one["state"] for one in found["cases"]] == ["rejected", "passed", "rejected"]
    code, out, _ = run(server, "test", folder, "--step", "tone", "--filter", "tone-*")
    assert (code, "0 of 1 cases passed" in out) == (1, True)


def test_wrong_usage_and_failed_calls(folder: Path, tmp_path: Path) -> None:
    done = reasoning("chain", "test", str(folder), "--step", "tines")
    assert (done.returncode, "unknown step 'tines'" in done.stderr, "'tone'" in done.stderr) == (2, True, True)
    with Server(faults=always("400")) as broken:
        code, out, errors = run(broken, "test", folder)
    assert code == 4, errors
    assert "failed   late" in out
    assert "scores are unknown and left out" in errors
    (folder / "tests" / "notes.toml").write_text(CASES.replace("contains_any", "contans_any"))
    done = reasoning("chain", "eval", str(folder))
    assert done.returncode == 2
    assert "notes.toml:20: unknown key 'contans_any' of a check; did you mean 'contains_any'?" in done.stderr


def test_eval_says_which_step_to_work_on(tmp_path: Path, server: Server) -> None:
    cases = "".join(
        f'[[case]]\nid = "c{n}"\ninput = "It came late and wet, {n}."\nexpected = "We are sorry."\n'
        f'gold = {{ points = ["came late", "came wet"], tone = "bad" }}\n'
        for n in range(12)
    )
    folder = write(tmp_path / "notes", cases)
    code, out, errors = run(server, "eval", folder, "--json")
    assert code == 0, errors
    found = json.loads(out)
    rows = {row["part"]: row for row in found["rows"]}
    assert (rows["end to end"]["score"], rows["reply alone"]["score"], rows["points"]["n"]) == (0, 1, 12)
    assert rows["end to end"]["passed_ci95"][1] == pytest.approx(0.2425, abs=1e-3)
    assert {one["step"]: one["loses"] for one in found["blame"]} == {"points": 1, "tone": 0, "reply": 0}
    assert found["work_on"] == "points"
    code, out, errors = run(server, "eval", folder)
    assert "spent now: nothing" in errors
    assert "work on points: with gold inputs it loses 100.0 points at the end" in out
    assert "notes@1 on mock" in out


def test_compare_needs_no_call_for_what_is_kept(folder: Path, server: Server) -> None:
    run(server, "eval", folder)
    (folder / "tone.md").write_text("# Input\n\nTwo; Points: {points}\n")  # now all is heard as bad
    calls = server.completions
    code, out, errors = run(server, "compare", f"{folder}@1", folder, "--json")
    assert code == 0, errors
    assert server.completions > calls
    found = json.loads(out)
    assert (found["first"], found["second"], found["common"]) == ("notes@1", "notes@2", 3)
    assert found["files"] == ["tone.md"]
    end = next(one for one in found["changes"] if one["part"] == "end to end")
    assert (end["gained"], end["lost"], end["difference"]) == (["late"], ["fine"], pytest.approx(-0.25))
    calls = server.completions
    code, out, errors = run(server, "compare", f"{folder}@1", f"{folder}@2")
    assert (code, server.completions, "spent now: nothing" in errors) == (0, calls, True)
    assert "before: notes@1, after: notes@2: tone.md; 3 cases in both" in out
    assert (
        "notes@1 and notes@2 are not significantly different end to end: 2 cases are too few to show any difference"
        in out
    )
    done = reasoning("chain", "compare", f"{folder}@1", f"{folder}@2")  # on the model that both have
    assert (done.returncode, "model: mock" in done.stdout) == (0, True), done.stderr
    for option, common in (("--filter=f*", 1), ("--limit=2", 2)):
        done = reasoning("chain", "compare", f"{folder}@1", f"{folder}@2", option, "--json")
        assert json.loads(done.stdout)["common"] == common
    done = reasoning("chain", "compare", f"{folder}@1", f"{folder}@2", "--filter=fnie")
    assert (done.returncode, "unknown case 'fnie'; did you mean 'fine'" in done.stderr) == (2, True)
    for points, code in (("20%", 1), ("30", 0)):
        done = reasoning("chain", "compare", f"{folder}@1", f"{folder}@2", "--fail-if-worse", points)
        assert (done.returncode, "fails: end to end became worse" in done.stdout) == (code, code == 1)
    code, out, errors = run(server, "compare", f"{folder}@1", f"{folder}@7")
    assert code == 2
    assert "there is no recorded run of" in errors
    assert "notes@1 on mock, notes@2 on mock" in errors


def test_compare_of_two_folders_takes_the_cases_that_are_the_same(tmp_path: Path, server: Server) -> None:
    one, two = write(tmp_path / "one"), write(tmp_path / "two", CASES.replace("All fine.", "Quite fine."))
    code, out, errors = run(server, "compare", one, two, "--json")
    assert code == 0, errors
    found = json.loads(out)
    assert (found["common"], found["left_out"], found["files"]) == (2, 1, [])
    assert {one["difference"] for one in found["changes"]} == {0}


def test_runs_with_the_same_settings_are_compared_and_others_are_named(folder: Path, server: Server) -> None:
    run(server, "eval", folder)
    code, out, errors = run(server, "compare", f"{folder}@1", folder, "--max-tokens", "5")
    assert code == 0, errors
    assert "the settings differ, which may cause a difference: max_tokens 1024 and 5" in out
    run(server, "eval", folder, "--max-tokens", "5")
    code, out, errors = run(server, "compare", f"{folder}@1", folder, "--max-tokens", "5")
    assert (code, "settings" in out) == (0, False), out
    code, out, errors = run(server, "compare", f"{folder}@1", folder)  # the newest is not the one with these settings
    assert (code, "settings" in out) == (0, False), out


def test_what_says_nothing_of_what_is_right_is_not_judged(folder: Path, server: Server) -> None:
    code, out, _ = run(server, "eval", folder, "--json")
    before = {row["part"]: (row["n"], row["score"]) for row in json.loads(out)["rows"]}
    rows = [{"id": f"sample-{n}", "step": "points", "input": {"note": f"Note {n}"}} for n in range(9)]
    (folder / "tests" / "samples.jsonl").write_text("\n".join(map(json.dumps, rows)))
    code, out, _ = run(server, "eval", folder, "--json")
    found = json.loads(out)
    assert {row["part"]: (row["n"], row["score"]) for row in found["rows"]} == before
    assert found["no_check"] == 9
    code, out, _ = run(server, "test", folder)
    assert "no check sample-0: not run" in out
    assert "notes@1: 1 of 3 cases passed" in out
    code, out, errors = run(server, "test", folder, "--filter", "sample-*")
    assert (code, "none of 9 cases has a check" in errors) == (2, True)


def test_a_step_that_no_case_looks_at(folder: Path) -> None:
    text = (folder / "chain.toml").read_text()
    extra = '[[step]]\nname = "loud"\nreads = ["points"]\nprompt = "tone.md"\n\n[[step]]\nname = "reply"'
    (folder / "chain.toml").write_text(text.replace('[[step]]\nname = "reply"', extra))
    done = reasoning("chain", "test", str(folder), "--step", "loud")
    assert (done.returncode, "tests or checks the step 'loud'" in done.stderr) == (2, True), done.stderr


def test_no_budget_keeps_what_is_done(folder: Path, server: Server) -> None:
    code, _, errors = run(server, "eval", folder, "--budget-calls", "3")
    assert code == 3, errors
    assert "finished cases are kept; continue with: reasoning chain eval" in errors
    assert len(list((folder / ".runs").glob("*.json"))) == 1
    code, out, _ = run(server, "eval", folder, "--json")
    assert (code, json.loads(out)["run"]) == (0, "notes@1")


CONFTEST = """
from reasoning.testing import ScriptedLLM
from tests.benchmarks.chains.chain_folder import script
def pytest_chain_llm():
    return ScriptedLLM(script())
"""


def pytest_run(where: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-p", "reasoning.testing", "-p", "no:cacheprovider", *arguments]
    path = {"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": ""}
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False, env=path)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    # An editable installation imports its finder before pytest can rewrite it.
    warnings = "error\n    ignore:Module already imported:pytest.PytestAssertRewriteWarning"
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nfilterwarnings =\n    {warnings}\n")
    return tmp_path


def test_each_case_is_a_test(project: Path) -> None:
    write(project / "notes")
    (project / "conftest.py").write_text(CONFTEST)
    code, out = pytest_run(project, "-v")
    assert code == 1, out
    assert "notes.toml::fine PASSED" in out
    assert "notes.toml:7: points: " in out
    assert "reply: 'sorry' is not in We are glad." in out
    assert "Traceback" not in out
    assert "2 failed, 1 passed" in out
    code, out = pytest_run(project, "notes/tests/notes.toml::fine")
    assert (code, "1 passed" in out) == (0, True), out
    (project / "notes/tests/samples.jsonl").write_text('{"step": "points", "input": "A note"}')
    code, out = pytest_run(project, "-rs", "notes/tests/samples.jsonl")
    assert (code, "1 skipped" in out, "the case has no check" in out) == (0, True, True), out


def test_without_a_model_cases_are_skipped_and_a_malformed_file_is_an_error(project: Path) -> None:
    folder = write(project / "notes")
    code, out = pytest_run(project, "-rs")
    assert (code, "3 skipped" in out, "--chain-model" in out) == (0, True, True), out
    (folder / "tests" / "notes.toml").write_text(CASES.replace("step =", "stip ="))
    code, out = pytest_run(project)
    assert code == 2, out
    assert "notes.toml:25: unknown key 'stip' of a case; did you mean 'step'?" in out


def test_a_recording_answers_and_other_toml_files_are_left_alone(project: Path) -> None:
    folder = write(project / "notes", '[[case]]\ninput = "All fine."\n[[case.check]]\ncontains = "glad"\n')
    (project / "tests").mkdir()
    (project / "tests" / "settings.toml").write_text("[nothing]\n")
    rows: list[Any] = [
        {"question": question, "samples": [said(question)]}
        for question in ("Note: All fine.", "Points: all fine", "Tone: good")
    ]
    (project / "replies.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (project / "pytest.ini").write_text("[pytest]\nchain_model = replay:replies.jsonl\n")
    code, out = pytest_run(project)
    assert (code, "1 passed" in out) == (0, True), out
    assert not (folder / ".runs").exists()


def test_the_plugin_imports_next_to_nothing_where_there_is_no_chain(project: Path) -> None:
    (project / "tests").mkdir()
    (project / "tests" / "test_one.py").write_text(
        "import sys\n\ndef test_one():\n    ours = {name for name in sys.modules if name.startswith('reasoning')}\n"
        "    assert 'reasoning.benchmarks.chains.pytest_plugin' in ours\n"
        "    assert not {'reasoning.providers', 'aiohttp'} & set(sys.modules)\n"
    )
    code, out = pytest_run(project)
    assert (code, "1 passed" in out) == (0, True), out


def test_importing_the_library_does_not_import_pytest() -> None:
    code = "import reasoning, reasoning.testing, reasoning.chain, sys; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
