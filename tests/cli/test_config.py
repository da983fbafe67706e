"""The file of `--config`: options of commands, and names for models, tasks, strategies and a budget."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reasoning.cli import config
from reasoning.cli.app import app
from reasoning.cli.commands import Commands
from reasoning.cli.options import ModelOptions
from reasoning.engine.llm import LLM
from reasoning.providers import model_table
from tests.command_line import reasoning

QUESTIONS = {"What is 2 + 2?": "4", "What is 3 + 2?": "5", "What is 3 + 4?": "7"}

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file with its task and its model into a folder below the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(config.VARIABLE, raising=False)
    folder = tmp_path / "team"
    folder.mkdir()
    rows = [json.dumps({"text": question, "answer": answer}) for question, answer in QUESTIONS.items()]
    (folder / "problems.jsonl").write_text("\n".join(rows))
    said = [{"question": text, "samples": [f"The answer is {answer}."] * 3} for text, answer in QUESTIONS.items()]
    (folder / "said.jsonl").write_text("\n".join(map(json.dumps, said)))

    def write(text: str) -> Path:
        path = folder / "reasoning.toml"
        path.write_text(text, encoding="utf-8")
        return path.relative_to(tmp_path)

    return write


@pytest.fixture(autouse=True)
def _no_added_traits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_table, "_added", {})
    model_table._merge.cache_clear()


def invoke(*words: str) -> Any:
    return CliRunner().invoke(app(), list(words))


def fails_with(*words: str) -> str:
    """Return the message of a command that is refused."""
    done = invoke(*words)
    assert done.exception is not None
    assert done.exit_code in (1, 2)
    return f"{done.output}{done.exception}"


COMPARISON = """
[bench.run]
task = "sums"
strategies = ["vanilla", "twice"]
models = ["recorded"]

[models.recorded]
model = "replay:said.jsonl"
max_tokens = 64

[tasks.sums]
source = "jsonl:problems.jsonl"
fields = { question = "text" }
limit = 2

[strategies]
steps = "cot(stages=1)"
twice = "self_consistency(steps, samples=2)"

[budget]
calls = 100
"""


def test_a_comparison_from_a_file_is_that_of_the_same_options_on_the_command_line(write: Write) -> None:
    done = reasoning("bench", "run", "--config", str(write(COMPARISON)), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [row["strategy"] for row in result["results"]] == ["vanilla", "self_consistency(cot(stages=1), samples=2)"]
    assert (result["n"], result["model"]) == (2, "replay:said.jsonl")
    [folder] = Path("results").iterdir()
    again = reasoning(
        *("bench", "run", "--task", "jsonl:team/problems.jsonl", "--fields", "question=text", "--limit", "2"),
        *("--strategies", "vanilla, self_consistency(cot(stages=1), samples=2)", "--model", "replay:team/said.jsonl"),
        *("--max-tokens", "64", "--budget-calls", "100", "--json"),
    )
    assert json.loads(again.stdout)["spent"]["calls"] == 0, "the results of the file are continued"
    assert list(Path("results").iterdir()) == [folder]
    settings = json.loads((folder / "run.json").read_text())["settings"]
    assert settings["max_tokens"] == 64
    assert "left of the budget" in done.stderr


def test_the_command_line_wins_over_the_file_and_an_option_over_a_name(write: Write) -> None:
    path = write(COMPARISON.replace('task = "sums"', 'task = "sums"\nmax_tokens = 32'))
    done = reasoning("bench", "run", "--config", str(path), "--limit", "1", "--strategies", "steps", "--json")
    result = json.loads(done.stdout)
    assert (result["n"], [row["strategy"] for row in result["results"]]) == (1, ["cot(stages=1)"])
    [folder] = Path("results").iterdir()
    assert json.loads((folder / "run.json").read_text())["settings"]["max_tokens"] == 32


def test_the_file_is_taken_from_the_variable_and_never_from_the_folder(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write('[ask]\nkind = "number"\nstrategy = "vanilla"\nmodel = "replay:said.jsonl"\n')
    monkeypatch.setenv(config.VARIABLE, str(path))
    assert json.loads(reasoning("ask", "What is 2 + 2?", "--json").stdout)["strategy"] == "vanilla"
    monkeypatch.delenv(config.VARIABLE)
    monkeypatch.chdir(path.parent)
    assert "--strategies" in fails_with("bench", "run", "--task", "coin_flip"), "reasoning.toml is not read"


def test_paths_are_relative_to_the_file(write: Write) -> None:
    done = reasoning("bench", "run", "--config", str(write(COMPARISON + '[journal.info]\njournal = "j.sqlite"\n')),
                     "--out", "here", "--json")  # fmt: skip
    assert done.returncode == 0
    assert Path("here/run.json").is_file(), "paths of the command line are relative to the working folder"
    inside = COMPARISON.replace("[models.recorded]", 'out = "kept"\n\n[models.recorded]')
    assert reasoning("bench", "run", "--config", str(write(inside)), "--json").returncode == 0
    assert Path("team/kept/run.json").is_file()


def test_the_command_line_wins_with_the_opposite_of_an_option(write: Write) -> None:
    path = str(write('[ask]\nmodel = "replay:said.jsonl"\njournal = "j.sqlite"\n'))
    done = reasoning("ask", "What is 2 + 2?", "--no-journal", "--config", path, "--kind", "number")
    assert done.stdout == "4\n", done.stderr
    assert not Path("team/j.sqlite").exists()


def test_two_names_of_one_model_do_not_share_a_results_folder(write: Write) -> None:
    text = '\n[models.other]\nmodel = "replay:said.jsonl"\ntemperature = 0.5\n'
    done = invoke("bench", "run", "--config", str(write(COMPARISON + text)), "--model", "recorded", "--model", "other",
                  "--out", "both")  # fmt: skip
    assert "the models recorded, other must have different names" in str(done.exception)


def test_a_run_from_a_file_is_compared_with_the_committed_one(write: Write) -> None:
    text = COMPARISON.replace("[models.recorded]", 'out = "kept"\n\n[models.recorded]')
    path = str(write(text + '[bench.compare]\nfail_if_worse = "90%"\n'))
    assert reasoning("bench", "run", "--config", path).returncode == 0
    assert reasoning("bench", "compare", "team/kept", "team/kept", "--config", path).returncode == 0
    strict = str(write(text + '[bench.compare]\nfail_if_worse = "2 points"\n'))
    done = reasoning("bench", "compare", "team/kept", "team/kept", "--config", strict)
    assert "--fail-if-worse must be percentage points" in done.stderr


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[bench.run]\ntask = \nlimit = 3", 2, "invalid TOML"),
        ("[bench.run]\nstrategie = 'cot'", 2, "unknown option 'strategie' in [bench.run]; did you mean 'strategies'?"),
        ("[bench.runs]\nlimit = 3", 1, "unknown command of bench 'runs'; did you mean 'run'?"),
        ("\n[benchs.run]\nlimit = 3", 2, "unknown table 'benchs'; did you mean 'bench'?"),
        ("limit = 3", 1, "unknown table 'limit'"),
        ("[bench.run]\nlimit = 'many'", 2, "limit: "),
        ("[bench.run]\n\nlimit = -1", 3, "limit: "),
        ("[bench.run]\njson = 'yes'", 2, "json in [bench.run] must be true or false, got 'yes'"),
        ("[bench.run]\ntask = true", 2, "task in [bench.run] must be a text or a number, got True"),
        ("[bench.run]\ntime-limit = '10'", 2, "time-limit: a duration above 0"),
        ("[bench]\nrun = 3", 2, "run must be a table: write [bench.run]"),
        ("[budget]\ndollars = 3", 2, "unknown key 'dollars' in [budget]"),
        ("[budget]\nusd = -3", 2, "usd: "),
        ("[models]\nfast = 'gpt'", 2, "fast must be a table: write [models.fast]"),
        ("[models.fast]\nbase_url = 'http://x'", 1, "model in [models.fast] must be a text, got nothing"),
        ("[models.fast]\nmodel = 'gpt'\napi_key = 'x'", 3, "api_key in [models.fast] must not be in the file"),
        ("[models.fast]\nmodel = 'gpt'\napi_key_env = 'my key'", 3, "must be the name of an environment variable"),
        ("[models.fast]\nmodel = 'gpt'\ntemperatur = 1", 3, "did you mean 'temperature'?"),
        ("[models.fast]\nmodel = 'gpt'\ninput = 1", 1, "must have input and output together"),
        ("[models.fast]\nmodel = 'gpt'\ninput = -1\noutput = 1", 3, "US dollars per million tokens"),
        ("[models.fast]\nmodel = 'gpt'\nconcurrency = 1.5", 3, "must be a whole number above 0, got 1.5"),
        ("[models.fast]\nmodel = 'gpt'\nbase_url = 3", 3, "base_url in [models.fast] must be a text, got 3"),
        (
            *("[models.a]\nmodel = 'gpt'\ninput = 1\noutput = 2\n[models.b]\nmodel = 'gpt'\ntemperature = 0", 6),
            "model in [models.b] is also that of [models.a], with other traits (input, output)",
        ),
        ("[tasks.mine]\nfields = 'a=b'", 1, "source in [tasks.mine] must be a text, got nothing"),
        ("[tasks.mine]\nsource = 'gsm8k'\nfield = 'a=b'", 3, "did you mean 'fields'?"),
        ("[strategies]\nmine = 'kot'", 2, "mine: unknown strategy 'kot'"),
        ("[strategies]\ncot = 'cot(shots=4)'", 2, "must be a word that is no technique's name"),
        ("[strategies.mine]\nshots = 4", 1, "must be a spec, as in"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(write: Write, text: str, line: int, said: str) -> None:
    task = () if "task = " in text else ("--task", "coin_flip")
    message = fails_with("bench", "run", "--strategies", "cot", *task, "--config", str(write(text)))
    assert f"team/reasoning.toml:{line}: " in message
    assert said in message


def test_a_key_is_refused_and_not_shown(write: Write) -> None:
    key = "sk-" + "proj0123456789abcdefghij"
    for text in (f"[models.fast]\nmodel = 'gpt'\napi_key_env = '{key}'", f"[ask]\n# {key}\nmodel = 'gpt'"):
        message = fails_with("ask", "x", "--config", str(write(text)))
        assert "must not contain a provider's key" in message
        assert "0123456789" not in message


def test_a_missing_file_and_a_missing_variable_are_told(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "nowhere.toml: no such file" in fails_with("ask", "x", "--config", "nowhere.toml")
    monkeypatch.delenv("TEAM_KEY", raising=False)
    path = write("\n[models.fast]\nmodel = 'gpt'\nbase_url = 'http://127.0.0.1:9/v1'\napi_key_env = 'TEAM_KEY'\n")
    message = fails_with("ask", "x", "--model", "fast", "--config", str(path))
    assert "team/reasoning.toml:2: the environment variable TEAM_KEY must hold the key; set it" in message


def test_a_named_model_has_its_address_key_price_and_settings(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_KEY", "not-a-real-key")
    path = write(
        "[models.fast]\nmodel = 'org/fast'\nbase_url = 'http://127.0.0.1:9/v1'\napi_key_env = 'TEAM_KEY'\n"
        "temperature = 0.3\nmax_tokens = 200\nrequests_per_minute = 90\ninput = 2\noutput = 4\ndrop = ['stop']\n"
    )
    root, seen = Commands(), list[LLM]()

    @root.command()
    def probe(model: str, *, options: ModelOptions) -> None:
        with options.connect(model) as llm:
            seen.append(llm)

    @root.command()
    def other() -> None: ...

    from typer.main import get_command

    words = ["probe", "fast", "--config", str(path), "--no-journal", "--max-tokens", "50"]
    done = CliRunner().invoke(get_command(root), words)
    assert done.exit_code == 0, done.output
    [llm] = seen
    assert llm.name == "org/fast"
    assert llm.client.endpoint == "http://127.0.0.1:9/v1"
    assert dict(llm.sampling) == {"max_tokens": 50, "temperature": 0.3}
    from reasoning.messages import Usage

    assert llm.price(Usage(1, 1_000_000, 1_000_000, 0.0, 0.0)) == pytest.approx(6)
    assert llm.client.prices.startswith("reasoning.toml ")
    assert model_table.traits("org/fast").drop == {"stop"}


DOCS = Path(__file__).parents[2] / "docs" / "how-to"


def test_the_example_of_the_guide_runs_with_a_recording(tmp_path: Path) -> None:
    file = DOCS / "comparison" / "reasoning.toml"
    assert f"```toml\n{file.read_text()}```" in (DOCS / "commit-a-comparison.md").read_text()
    rows = [json.loads(line) for line in (DOCS / "comparison" / "orders.jsonl").read_text().splitlines()]
    for out, wrong in (("results", 0), ("worse", 1)):
        said = [{"question": row["text"], "samples": [f"The answer is {row['total'] + wrong}."] * 8} for row in rows]
        (tmp_path / "said.jsonl").write_text("\n".join(map(json.dumps, said)))
        words = ["--model", f"replay:{tmp_path / 'said.jsonl'}", "--out", str(tmp_path / out), "--no-journal"]
        done = reasoning("bench", "run", "--config", str(file), *words, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        results = json.loads(done.stdout)
        assert results["n"] == len(rows)
        assert [(row["strategy"], row["accuracy"]) for row in results["results"]] == [
            (spec, 1.0 - wrong) for spec in ("vanilla", "cot", "self_consistency(cot, samples=5)")
        ]
    for after, code in (("results", 0), ("worse", 1)):
        done = reasoning("bench", "compare", "results", after, "--config", str(file), cwd=tmp_path)
        assert done.returncode == code, done.stdout


def test_the_models_of_the_example_have_their_prices() -> None:
    read = config.Config.read(DOCS / "comparison" / "reasoning.toml", app())
    assert read.models["ours"].base_url == "http://gpu.example.org:8000/v1"
    assert model_table.traits("qwen3-8b").output == 0.2
    assert read.models["small"].settings == {"max_tokens": 512, "requests_per_minute": 400}


@pytest.mark.parametrize(
    ("option", "wrong", "right"),
    [("--model", "smal", "small"), ("--task", "order", "orders"), ("--strategies", "vots", "votes")],
)
def test_a_misspelled_name_of_the_file_is_told_the_right_one(write: Write, option: str, wrong: str, right: str) -> None:
    path = write(
        '[bench.run]\ntask = "orders"\nmodel = "small"\nstrategies = "votes"\n'
        '[models.small]\nmodel = "replay:said.jsonl"\n'
        '[tasks.orders]\nsource = "jsonl:problems.jsonl"\nfields = { question = "text" }\n'
        '[strategies]\nvotes = "self_consistency(cot, samples=3)"\n'
    )
    said = fails_with("bench", "run", "--config", str(path), option, wrong)
    assert f"{wrong!r}" in said
    assert f"did you mean {right!r}?" in said
