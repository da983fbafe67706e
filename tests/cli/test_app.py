"""The command `reasoning`, run as a user runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import reasoning

FEEDBACK = "My internet drops every evening and the bill rose without notice. The agent was kind though."


@pytest.fixture
def recording(tmp_path: Path) -> str:
    path = tmp_path / "said.jsonl"
    path.write_text(json.dumps({"question": "What is 2 + 2?", "samples": ["Two and two. The answer is 4."]}))
    return f"replay:{path}"


def test_ask_prints_the_answer_and_only_the_answer(recording: str) -> None:
    done = reasoning("ask", "What is 2 + 2?", "--model", recording, "--kind", "number")
    assert (done.stdout, done.returncode) == ("4\n", 0)
    assert "1 call" in done.stderr


def test_ask_prints_the_answer_where_a_technique_also_has_steps(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text(json.dumps({"question": "What is 2 + 2?", "samples": ["Question: 2 + 2?\nThe answer is 4."] * 9}))
    strategy = "ensemble_refinement(cot(stages=1), drafts=1, samples=1)"
    done = reasoning("ask", "What is 2 + 2?", "-m", f"replay:{path}", "--kind", "number", "-s", strategy)
    assert (done.stdout, done.returncode) == ("4\n", 0)
    told = reasoning("ask", "What is 2 + 2?", "-m", f"replay:{path}", "--kind", "number", "-s", strategy, "--json")
    assert json.loads(told.stdout)["steps"]


def test_ask_as_json(recording: str) -> None:
    done = reasoning("ask", "What is 2 + 2?", "--model", recording, "--kind", "number", "--json")
    said = json.loads(done.stdout)
    assert (said["strategy"], said["state"], said["value"], said["calls"]) == ("cot", "answered", 4, 1)


def test_ask_with_the_trace(recording: str) -> None:
    done = reasoning("ask", "What is 2 + 2?", "--model", recording, "--trace")
    assert "Let's think step by step." in done.stdout
    assert "Two and two." in done.stdout


def test_ask_with_another_prompt(recording: str) -> None:
    done = reasoning("ask", "What is 2 + 2?", "--model", recording, "--trace", "--prompt", "cot.trigger=Take a breath.")
    assert "cot(trigger='Take a breath.')" in done.stdout
    assert "Let's think" not in done.stdout


def test_ask_from_standard_input_and_a_file(recording: str, tmp_path: Path) -> None:
    assert reasoning("ask", "--file", "-", "--model", recording, stdin="What is 2 + 2?\n").stdout == "4\n"
    (tmp_path / "question.txt").write_text("What is 2 + 2?")
    assert reasoning("ask", "--file", str(tmp_path / "question.txt"), "--model", recording).stdout == "4\n"


def test_ask_about_a_table_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "towns.csv").write_text('town,people\nOslo,"709,037"\nMoss,"49,668"\n')
    said = {"question": "How many people?", "samples": ["SELECT SUM(people) FROM towns"] * 3}
    (tmp_path / "said.jsonl").write_text(json.dumps(said))
    asked = ("ask", "How many people?", "-m", f"replay:{tmp_path / 'said.jsonl'}", "--kind", "number")
    done = reasoning(*asked, "-s", "binder(samples=3)", "--table", str(tmp_path / "towns.csv"), "--trace")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "758705")
    assert "CREATE TABLE w (row_id integer, `town` text, `people` integer);" in done.stdout
    done = reasoning(*asked, "-s", "binder(samples=3)")
    assert (done.returncode, done.stdout) == (2, "")
    assert "binder needs a table" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ask"], 2, "give either a question or --file FILE"),
        (["ask", "?", "--file", "x"], 2, "either a question or --file"),
        (["ask", "--file", "nowhere.txt"], 2, "nowhere.txt: cannot be read"),
        (["ask", "   "], 2, "the question is empty"),
        (["ask", "?", "--table", "nowhere.csv"], 2, "nowhere.csv: no such file"),
        (["ask", "?", "--strategy", "kot"], 2, "unknown strategy 'kot'"),
        (["ask", "?", "--kind", "nummer"], 2, "unknown kind 'nummer'; did you mean 'number'?"),
        (["ask", "?", "--kind", "label"], 2, "--choice red --choice blue"),
        (["ask", "?", "--kind", "number", "--choice", "3", "--choice", "4"], 2, "got --kind number"),
        (["ask", "?", "--model", "local:smollm2-135"], 2, "did you mean 'smollm2-135m'?"),
        (["ask", "?", "--model", "local:nowhere.gguf"], 2, "nowhere.gguf"),
        (["ask", "?", "--model", "replay:nowhere.jsonl"], 2, "nowhere.jsonl: no such file"),
        (["ask", "?", "--model", "replay:."], 2, "is a folder"),
        (["ask", "?", "--strategy", "pot", "--kind", "code"], 2, "gives answers of the kinds"),
        (["ask", "?", "--model", "gpt", "--base-url", "ftp://h"], 2, "base_url must be an address"),
        (["ask", "?", "--model", "gpt", "--base-url", "http://127.0.0.1:1/v1", "--no-journal"], 4,
         "nothing answers at http://127.0.0.1:1/v1"),
        (["strategies", "show", "vanila"], 2, "did you mean 'vanilla'?"),
        (["strategies", "react"], 2, "write: reasoning strategies show react"),
        (["prompts", "cot"], 2, "write: reasoning prompts show cot"),
        (["strategies", "show", "dater(weigh=2)"], 2, "weigh must be 'equal' or 'probability' or"),
        (["models", "download", "smollm"], 2, "smollm2-135m"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_and_an_exit_code(arguments: list[str], code: int, words: str) -> None:
    done = reasoning(*arguments)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == code
    assert done.stdout == "" or arguments[0] == "ask"


def test_a_question_that_is_not_recorded_has_failed(recording: str) -> None:
    done = reasoning("ask", "Why?", "--model", recording)
    assert done.returncode == 4
    assert "has no recording of this question" in done.stderr
    assert done.stdout == ""


def test_debug_shows_the_traceback() -> None:
    assert "Traceback" in reasoning("ask", "?", "--strategy", "kot", "--debug").stderr
    assert "Traceback" in reasoning("--debug", "ask", "?", "--strategy", "kot").stderr


def test_the_table_of_techniques_and_a_card() -> None:
    table = reasoning("strategies").stdout
    for name in ("vanilla", "cot", "self_consistency", "least_to_most", "program_of_thoughts", "telecom_feedback"):
        assert name in table
    card = reasoning("strategies", "show", "sc(pot, samples=3)").stdout
    for part in ("Self-consistency", "2203.11171", "samples * base", "samples = 3", "avoid when"):
        assert part in card
    assert re.search(r"^ +rounds +base if stop == 'fixed' else rounds \* base ", card, re.MULTILINE)


@pytest.mark.parametrize(
    ("module", "extra"),
    [("scipy.stats", "bench"), ("reasoning_gym", "bench"), ("sympy", "programs"), ("xllamacpp", "local"), ("odd", "")],
)
def test_a_missing_package_is_named_with_its_extra(module: str, extra: str) -> None:
    code = (
        "import sys\n"
        "from reasoning.cli import app\n"
        f"def broken(): raise ModuleNotFoundError('No module', name={module!r})\n"
        "app.app = lambda: lambda **how: broken()\n"
        "app.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == (2 if extra else 1)
    assert (f"pip install 'reasoning-strategies[{extra}]'" in done.stderr) == bool(extra)
    assert "Traceback" not in done.stderr


def test_version_and_help_load_nothing_heavy() -> None:
    heavy = ["litellm", "aiohttp", "xllamacpp", "datasets", "numpy", "reasoning_gym"]
    code = (
        "import sys\n"
        "from reasoning.cli.app import main\n"
        "try: main()\n"
        f"finally: print([name for name in {heavy} if name in sys.modules], file=sys.stderr)\n"
    )
    for arguments in (["--version"], ["--help"], ["bench", "run", "--help"], ["ask", "--help"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0
        assert done.stderr.strip() == "[]"
        assert done.stdout


def test_a_strategy_of_ones_own_runs_in_the_benchmark(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from reasoning import Answer, Problem, Session, Strategy, technique\n\n"
        "@technique(title='Plainly', calls='1')\n"
        "class Plainly(Strategy):\n"
        "    '''Ask, and add nothing.'''\n\n"
        "    async def solve(self, problem: Problem, session: Session) -> Answer:\n"
        "        return problem.parse(await session.ask(problem.question))\n"
    )
    (tmp_path / "mine-1.0.dist-info").mkdir()
    (tmp_path / "mine-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (tmp_path / "mine-1.0.dist-info" / "entry_points.txt").write_text(
        "[reasoning.strategies]\nplainly = mine:Plainly\n"
    )
    lines = [json.dumps({"question": f"{k} + 1?", "answer": k + 1, "samples": [f"It is {k + 1}."]}) for k in range(3)]
    (tmp_path / "sums.jsonl").write_text("\n".join(lines))
    done = reasoning(
        "bench", "run", "--task", "jsonl:sums.jsonl", "--model", "replay:sums.jsonl", "--json",
        "--strategies", "plainly, sc(plainly, samples=1)", cwd=tmp_path,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert [row["strategy"] for row in found["results"]] == ["plainly", "self_consistency(plainly, samples=1)"]
    assert [row["correct"] for row in found["results"]] == [3, 3]


def test_fresh_draws_and_a_budget_of_a_question(tmp_path: Path) -> None:
    said = tmp_path / "said.jsonl"
    said.write_text('{"question": "6 * 7?", "samples": ["42"]}\n')
    words = ["ask", "6 * 7?", "--model", f"replay:{said}", "--journal", str(tmp_path / "j.sqlite"), "-s", "vanilla"]
    assert reasoning(*words).stdout == "42\n"
    assert reasoning(*words, "--budget-calls", "0").stdout == "42\n"  # a recorded draw costs nothing
    used_up = reasoning(*words, "--budget-calls", "0", "--new-samples")
    assert (used_up.returncode, used_up.stderr) == (
        3,
        "error: the budget is used up: 0 of 0 calls are spent, and the next call may need 1\n",
    )
    said.write_text('{"question": "6 * 7?", "samples": ["42", "41", "42", "42", "42"]}\n')
    vote = [*words[:-1], "self_consistency(vanilla, samples=5)", "--no-journal", "--budget-calls", "3"]
    vote = [word for word in vote if word not in ("--journal", str(tmp_path / "j.sqlite"))]
    voted = reasoning(*vote)  # what was paid for has the vote
    assert (voted.returncode, voted.stdout) == (0, "42\n")
    assert "3 of at most 5 samples, since the budget is used up" in voted.stderr
    refused = reasoning(*words, "--budget-call", "1")
    assert refused.returncode == 2
    assert "--budget-calls" in refused.stderr
