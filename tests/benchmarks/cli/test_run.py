"""The command `reasoning bench`, as a process of its own against a model server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import MAIN, reasoning

STRATEGIES = "vanilla, cot(stages=1), self_consistency(cot(stages=1), samples=2)"


@pytest.fixture
def command(tmp_path: Path, problems_file: Path, server: Any) -> Callable[..., list[str]]:
    """Makes the command line of a run; options that are given come after the usual ones and win."""

    def make(*options: str) -> list[str]:
        usual = ["--task", f"jsonl:{problems_file}", "--model", "four"]
        # A second address would be that of another server.
        usual += [] if "--base-url" in options else ["--base-url", server.url]
        kept = ["--strategies", STRATEGIES, "--journal", str(tmp_path / "journal.sqlite")]
        return [*MAIN, "bench", "run", *usual, *kept, "--out", str(tmp_path / "run"), *options]

    return make


def run(arguments: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return reasoning(*arguments[len(MAIN) :], cwd=cwd, env=os.environ)


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return reasoning("bench", *arguments, env=os.environ)


def draws(server: Any) -> int:
    return sum(body.get("n", 1) for body in server.asked)


def twice(server: Any) -> dict[str, int]:
    """The draws that were bought more than once: by prompt and sampling."""
    bought = Counter(json.dumps([body["messages"], body["temperature"]]) for body in server.asked)
    return {asked: times for asked, times in bought.items() if times > 1}


def test_a_run_and_the_same_command_again(command: Any, server: Any, tmp_path: Path) -> None:
    first = run(command())
    assert first.returncode == 0, first.stderr
    assert "jsonl:sums.jsonl · 8 problems · four" in first.stdout
    assert "12.5 %" in first.stdout  # 2 + 2
    assert "Best: vanilla, 1 of 8 right" in first.stdout
    assert f"results: {tmp_path}/run" in first.stderr
    assert "reasoning bench show" in first.stderr
    assert f"in the browser: reasoning view {tmp_path}/run" in first.stderr
    assert draws(server) == 8 * 4
    second = run(command())
    assert second.stdout == first.stdout
    assert draws(server) == 8 * 4
    assert bench("report", str(tmp_path / "run")).stdout == first.stdout
    assert {path.name for path in (tmp_path / "run").iterdir()} > {"run.json", "results.json", "results.md"}


def test_json_is_one_object_and_nothing_else(command: Any, tmp_path: Path) -> None:
    for spent in (32, 0):
        done = run(command("--json"))
        found = json.loads(done.stdout)
        assert done.stdout.count("\n") == 1
        assert (found["task"], found["model"], found["n"]) == ("jsonl:sums.jsonl", "four", 8)
        assert found["spent"]["calls"] == spent
        assert [row["calls"] for row in found["results"]] == [8, 8, 16]
        promised = "strategy n correct accuracy ci95 unparsed failed calls prompt_tokens completion_tokens usd seconds"
        promised += " reasoning_tokens"
        assert " ".join(found["results"][0]) == promised
    assert json.loads(bench("report", str(tmp_path / "run"), "--json").stdout)["results"] == found["results"]


def test_killed_half_way_the_same_command_goes_on(command: Any, server: Any, tmp_path: Path) -> None:
    other = ["--out", str(tmp_path / "whole"), "--journal", str(tmp_path / "other.sqlite")]
    whole = json.loads(run(command("--json", *other)).stdout)
    server.asked.clear()
    server.latency = 0.05
    arguments = command("--json", "--concurrency", "2")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        while len(server.asked) < 8 and running.poll() is None:
            time.sleep(0.01)
        running.kill()
    kept = (tmp_path / "run" / "results.jsonl").read_bytes().count(b"\n")
    assert 2 <= kept < 24
    before = draws(server)
    server.latency = 0.0
    time.sleep(0.2)  # let the requests of the dead process end
    resumed = json.loads(run(arguments).stdout)
    for row in [*whole["results"], *resumed["results"]]:
        row.pop("seconds")
    assert resumed["results"] == whole["results"]
    lost = before - (32 - (draws(server) - before))
    assert 0 <= lost <= 2 * 2  # no more than what was in flight when it was killed
    assert sum(twice(server).values()) - len(twice(server)) <= 2


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_soon_keeps_what_is_done_and_says_how_to_go_on(
    by: signal.Signals, command: Any, server: Any, tmp_path: Path
) -> None:
    server.latency = 0.3
    arguments = command("--concurrency", "2")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while len(server.asked) < 8 and running.poll() is None:
            time.sleep(0.01)
        server.latency = 30.0
        time.sleep(0.5)
        started = time.monotonic()
        running.send_signal(by)
        out, said = running.communicate(timeout=20)
        assert time.monotonic() - started < 15  # some 0.5 s on a quiet machine; an answer takes 30
    assert running.returncode == 130
    assert out == ""
    assert "continue with: reasoning bench run" in said
    assert "Traceback" not in said
    kept = (tmp_path / "run" / "results.jsonl").read_bytes().count(b"\n")
    assert kept >= 4
    server.latency = 0.0
    server.asked.clear()
    assert run(arguments).returncode == 0
    assert draws(server) < 32


def test_a_changed_setting_is_refused_and_has_a_folder_of_its_own(command: Any, server: Any, tmp_path: Path) -> None:
    assert run(command("--limit", "2")).returncode == 0
    asked = draws(server)
    refused = run(command("--limit", "2", "--temperature", "0.5"))
    assert refused.returncode == 2
    assert "temperature 0.0 → 0.5" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert draws(server) == asked
    arguments = command("--limit", "2", "--temperature", "0.5")
    del arguments[arguments.index("--out") : arguments.index("--out") + 2]
    (tmp_path / "here").mkdir()
    assert run(arguments, cwd=tmp_path / "here").returncode == 0
    (folder,) = (tmp_path / "here" / "results").iterdir()
    assert folder.name.startswith("jsonl_sums.jsonl-four-")


def test_several_models_have_a_folder_each_and_one_table(command: Any, server: Any, tmp_path: Path) -> None:
    several = command("--model", "org/vier", "--limit", "3")
    done = run(several)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"four", "org_vier"}
    assert Counter(body["model"] for body in server.asked) == {"four": 9, "org/vier": 9}
    for words in ("3 problems · four", "3 problems · org/vier"):
        assert words in done.stdout
    table = done.stdout.rpartition("strategy")[2]
    assert table.split()[:2] == ["four", "org/vier"]
    assert table.count("33.3 %") == 6
    again = run([*several, "--json"])
    assert [one["model"] for one in json.loads(again.stdout)["models"]] == ["four", "org/vier"]
    assert len(server.asked) == 18


def test_the_budget_is_that_of_all_models_together(command: Any, server: Any, tmp_path: Path) -> None:
    stopped = run(command("--model", "vier", "--limit", "3", "--budget-calls", "15", "--concurrency", "1"))
    assert stopped.returncode == 3
    assert "the budget is used up" in stopped.stderr
    assert 12 < draws(server) <= 15  # all of the first model, and no more than there is
    assert Counter(body["model"] for body in server.asked)["four"] == 9
    assert (tmp_path / "run" / "vier" / "results.jsonl").exists()


def test_the_budget_stops_with_3_and_more_of_it_goes_on(command: Any, server: Any, tmp_path: Path) -> None:
    stopped = run(command("--budget-tokens", "1300", "--concurrency", "1"))
    assert stopped.returncode == 3
    assert "error: the budget does not cover the next call" in stopped.stderr
    assert "continue with: reasoning bench run" in stopped.stderr
    assert "vanilla" in stopped.stdout
    kept = (tmp_path / "run" / "results.jsonl").read_bytes().count(b"\n")
    assert 0 < kept < 24
    bought = draws(server)
    assert run(command()).returncode == 0
    assert draws(server) == 32
    assert bought < 32


def test_failed_calls_end_with_4_and_are_tried_again(command: Any, server: Any) -> None:
    server.fails = lambda text: 400 if "3 + 3" in text else 0
    failed = run(command("--json"))
    assert failed.returncode == 4
    assert "3 of 24 results failed" in failed.stderr
    assert "broken on purpose" in failed.stderr
    assert [row["failed"] for row in json.loads(failed.stdout)["results"]] == [1, 1, 1]
    assert [row["n"] for row in json.loads(failed.stdout)["results"]] == [7, 7, 7]
    server.fails = lambda text: 0
    server.asked.clear()
    assert run(command()).returncode == 0
    assert {"3 + 3" in body["messages"][-1]["content"] for body in server.asked} == {True}


def test_a_server_that_is_not_there(command: Any, tmp_path: Path) -> None:
    gone = run(command("--base-url", "http://127.0.0.1:9/v1"))
    assert gone.returncode == 4
    assert "nothing answers at http://127.0.0.1:9/v1" in gone.stderr
    assert "Traceback" not in gone.stderr


def test_a_refused_key_stops_at_once(command: Any, server: Any) -> None:
    server.fails = lambda text: 401
    refused = run(command("--concurrency", "1"))
    assert refused.returncode == 2
    assert "error: " in refused.stderr
    assert "401" in refused.stderr
    assert len(server.asked) == 1


def test_two_processes_do_not_share_a_folder(command: Any, server: Any) -> None:
    server.latency = 30.0
    with subprocess.Popen(command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        while not server.asked:
            assert first.poll() is None, "it ended before it asked"
            time.sleep(0.01)
        second = run(command())
        first.kill()
    assert second.returncode == 2
    assert "another process is running here" in second.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--strategies", "vanilla, cott"], "did you mean 'cot'"),
        (["--strategies", "vanilla, cot(shots=4"], "not a strategy spec"),
        (["--strategies", " "], "strateg"),
        (["--task", "gsm_symbolik"], "did you mean 'gsm_symbolic'"),
        (["--task", "jsonl:nowhere.jsonl"], "nowhere.jsonl: no such file"),
        (["--base-url", "nonsense"], "base_url must be an address"),
        (["--limit", "-1"], "--limit"),
        (["--budget-usd", "1"], "no price is known for four"),
    ],
)
def test_wrong_usage_is_one_line_and_2(command: Any, server: Any, options: list[str], said: str) -> None:
    wrong = run(command(*options))
    assert wrong.returncode == 2, wrong.stderr
    assert said in wrong.stderr
    assert "Traceback" not in wrong.stderr
    assert wrong.stdout == ""
    assert server.asked == []


def test_problems_of_the_table_can_be_opened(command: Any, tmp_path: Path) -> None:
    run(command())
    folder = str(tmp_path / "run")
    listed = bench("show", folder)
    assert listed.returncode == 0
    assert "sum-3" in listed.stdout
    assert "✓ 4" in listed.stdout
    assert "✗ 4" in listed.stdout
    opened = bench("show", folder, "--id", "sum-2")
    assert "What is 2 + 2?" in opened.stdout
    assert opened.stdout.count("✓ 4") == 3
    assert "4 × 2" in opened.stdout  # the votes
    one = bench("show", folder, "--id", "3", "--strategy", "self_consistency")
    assert "target  6" in one.stdout
    assert one.stdout.count("It is 4.") == 2
    assert "temperature=0.7" in one.stdout
    for options, said in (
        (["--id", "sum-33"], "did you mean 'sum-3'"),
        (["--id", "sum-3", "--strategy", "vanila"], "did you mean 'vanilla'"),
    ):
        wrong = bench("show", folder, *options)
        assert wrong.returncode == 2
        assert said in wrong.stderr
    assert bench("report", str(tmp_path)).returncode == 2


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; sys.argv[1:] = ['bench', 'run', '--help']\n"
    code += f"try:\n    {MAIN[-1]}\nfinally:\n    print('MODULES', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"}
    )
    assert "--budget-tokens" in done.stdout
    loaded = done.stdout.partition("MODULES")[2].split()
    assert "typer" in loaded
    assert not {"asyncio", "reasoning_gym", "litellm", "aiohttp", "numpy", "datasets", "xllamacpp"} & set(loaded)


def test_the_default_number_of_samples_is_told_before_it_is_spent(command: Any) -> None:
    note = "self_consistency: 40 samples a problem; samples=5 costs an eighth"
    told = run(command("--strategies", "cot, self_consistency, self_consistency(vanilla)", "--dry-run"))
    assert told.returncode == 0, told.stderr
    assert told.stderr.count(note) == 1
    assert note not in told.stdout
    chosen = run(command("--strategies", "cot, self_consistency(samples=3)", "--dry-run"))
    assert "samples a problem" not in chosen.stderr


def test_a_dry_run_tells_what_is_known_of_a_misspelled_model(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text('{"question": "2 + 2?", "answer": 4}\n')
    words = ["bench", "run", "--task", str(tmp_path / "mine.jsonl"), "--strategies", "cot", "--dry-run", "--model"]
    model = reasoning(*words, "openai/gpt-4o-minni")
    assert "the price table has openai/gpt-4o-mini, " in " ".join(model.stdout.split())
    provider = reasoning(*words, "opnai/gpt-4o-mini")
    assert (provider.returncode, "did you mean 'openai'?" in provider.stderr) == (2, True)
