"""Shell completion of commands, options and values."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from reasoning.cli.completion import split_bash, split_line
from reasoning.journal import Journal
from reasoning.messages import Completion, Message, Request

BASH = shutil.which("bash")
SCRIPT = Path(sys.executable).with_name("reasoning")


def complete(*words: str, cwd: Path | None = None, **variables: str) -> list[str]:
    """Return the completions of the last word, as zsh gets them on its command line."""
    env = {
        **os.environ,
        "REASONING_HOME": str(cwd or "/nowhere"),
        "_REASONING_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": " ".join(["reasoning", *words]),
        **variables,
    }
    code = "from reasoning.cli.app import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, cwd=cwd, check=False)
    assert done.stderr == ""
    return [line.partition("\t")[0] for line in done.stdout.splitlines() if line]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two results folders, a chain, a configuration and names that a shell would run."""
    for name in ("results/first", "later", "results/$(touch hacked)"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "run.json").write_text("{}")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "chain.toml").write_text("")
    (tmp_path / "team.toml").write_text(
        "[models.gpu]\nmodel = 'x'\n[tasks.tickets]\nsource = 'gsm8k'\n[strategies]\nvotes = 'cot'\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ben"], ["bench"]),
        (["bench", "po"], ["power"]),
        (["bench", "run", "--strat"], ["--strategies", "--strategy-budget"]),
        (["bench", "run", "--strategies", "program"], ["program_of_thoughts", "program_of_thoughts,"]),
        (["bench", "run", "--strategies", "cot,program"], ["cot,program_of_thoughts", "cot,program_of_thoughts,"]),
        (["bench", "run", "--strategies", "'cot(shots=4), pal"], ["cot(shots=4), pal", "cot(shots=4), pal,"]),
        (["ask", "--strategy", "'self_consistency(pla"], ["self_consistency(plan_and_solve"]),
        (["ask", "--strategy", "vani"], ["vanilla"]),
        (["ask", "--kind", "num"], ["number"]),
        (["ask", "--model", "loca"], ["local"]),
        (["ask", "--prompt", "cot.tr"], ["cot.trigger="]),
        (["prompts", "show", "vanilla."], ["vanilla.prompt"]),
        (["strategies", "show", "vani"], ["vanilla"]),
        (["bench", "run", "--task", "coin"], ["coin_flip"]),
        (["bench", "run", "--task", "gym:chain"], ["gym:chain_sum"]),
        (["bench", "run", "--task", "bbh:snar"], ["bbh:snarks"]),
        (["tasks", "jsonl"], ["jsonl:"]),
        (["bench", "report", "results/"], ["results/first"]),
        (["bench", "compare", "later", "la"], ["later"]),
        (["chain", "check", "tel"], ["telecom_feedback"]),
        (["chain", "check", "mi"], ["mine"]),
        (["bench", "run", "--config", "team.toml", "--model", "g"], ["gpu"]),
        (["bench", "run", "--config", "team.toml", "--task", "tick"], ["tickets"]),
        (["bench", "run", "--config", "team.toml", "--strategies", "vot"], ["votes", "votes,"]),
        (["ask", "--file", "te"], []),
    ],
)
def test_values_are_completed(words: list[str], expected: list[str], folder: Path) -> None:
    assert complete(*words, cwd=folder) == expected


def test_models_are_those_of_the_machine_of_the_users_table_and_of_the_journal(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text("['org/listed gpt-5*']\ninput = 1\noutput = 1\n")
    with closing(Journal.open(tmp_path / "journal.sqlite")) as journal:
        for model in ("openai/recorded", "odd$(touch hacked)", "replay:said.jsonl"):
            journal.write(Request(model, (Message("user", "x"),), {}), [Completion("y", draw=0)])
    found = complete("ask", "--model", "", REASONING_HOME=str(tmp_path))
    assert found == ["local", "org/listed", "openai/recorded"]


def test_a_broken_file_completes_nothing_and_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text("[[[")
    assert complete("ask", "--model", "lo", REASONING_HOME=str(tmp_path)) == ["local"]


@pytest.mark.skipif(BASH is None or not SCRIPT.exists(), reason="needs bash and the installed command")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["reasoning", "ben"], ["bench"]),
        (["reasoning", "bench", "run", "--strategies", '"vanilla, plan'], ["vanilla, plan_and_solve",
                                                                          "vanilla, plan_and_solve,"]),
        # Bash splits words at colons and equals signs, and replaces only what follows them.
        (["reasoning", "bench", "run", "--task", "gym", ":", "chain"], ["chain_sum"]),
        (["reasoning", "tasks", "bbh", ":", "snar"], ["snarks"]),
        (["reasoning", "ask", "--model", "=", "loca"], ["local"]),
        (["reasoning", "ask", "--file", "x"], []),
    ],
)  # fmt: skip
def test_bash_completes_with_its_own_words(words: list[str], expected: list[str], tmp_path: Path) -> None:
    program = """
        eval "$(reasoning --show-completion bash)"
        complete -p reasoning >/dev/null || exit 9
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _reasoning_completion reasoning
        [ ${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
    """
    path = f"{SCRIPT.parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "REASONING_HOME": str(tmp_path)}
    done = subprocess.run(
        [BASH or "", "-c", program, "bash", *words], env=env, capture_output=True, text=True, check=False
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.splitlines() == expected


def test_a_line_is_split_with_open_quotes() -> None:
    assert split_line("reasoning ask ") == (["ask"], "")
    assert split_line('reasoning ask -s "a b" -m "x, ') == (["ask", "-s", "a b", "-m"], "x, ")
    assert split_bash(["reasoning", "ask", ""], 2) == (["ask"], "", "")
    assert split_bash(["reasoning", "tasks", "gym", ":"], 3) == (["tasks"], "gym:", "gym:")
    assert split_bash(["reasoning", "x", "a", "=", "b", "c"], 5) == (["x", "a=b"], "c", "")


def test_completion_loads_no_provider_and_no_model() -> None:
    heavy = ["litellm", "aiohttp", "xllamacpp", "datasets", "numpy", "reasoning_gym", "rich.console"]
    code = (
        "import sys, json\n"
        "from reasoning.cli.app import main\n"
        "try: main()\n"
        f"finally: print(json.dumps([name for name in {heavy} + sys.argv[1:] if name in sys.modules]),"
        " file=sys.stderr)\n"
    )
    for words in ("bench run --task gym:", "bench run --task ", "ask --model ", "ask --strategy ", "ask --prompt cot."):
        env = {**os.environ, "_REASONING_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": f"reasoning {words}"}
        # The names of the data sets need no task.
        more = ["reasoning.benchmarks.tasks"] if "gym:" in words else []
        done = subprocess.run([sys.executable, "-c", code, *more], env=env, capture_output=True, text=True, check=False)
        assert json.loads(done.stderr) == [], words
        assert done.stdout
