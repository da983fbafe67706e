"""`reasoning models show`: what is assumed of a model, and where each assumption comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reasoning.engine.connect import connect
from reasoning.engine.describe import describe_model
from tests.command_line import reasoning


def assumed(model: str, base_url: str | None = None) -> dict[str, tuple[str, str]]:
    with connect(model, base_url=base_url, journal=False) as llm:
        return {row.subject: (row.value, row.origin) for row in describe_model(llm)}


def test_each_assumption_has_its_origin_and_no_key_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REASONING_HOME", str(tmp_path))
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-2718281828")
    (tmp_path / "models.toml").write_text('["o3-mini"]\nprefix_cache = false\ninput = 1\noutput = 2\n')
    found = assumed("openai/o3-mini")
    assert found["key"] == ("OPENAI_API_KEY is set", "environment")
    assert found["prefix cache"] == ("not known", 'your models.toml:2 ["o3-mini"]')
    assert found["price"] == (
        "$1 prompt, $2 completion, $1 cached prompt, per million tokens",
        'your models.toml:3 ["o3-mini"]',
    )
    assert "temperature" in found["left out"][0]
    assert found["left out"][1].startswith("shipped models.toml:")
    assert found["renamed"][0] == "max_tokens is sent as max_completion_tokens"
    assert "canary" not in json.dumps(found)
    found = assumed("mock", "http://127.0.0.1:9/v1")
    assert found["server"] == ("http://127.0.0.1:9/v1", "base_url")
    assert found["key"] == ("REASONING_API_KEY is not set", "environment")
    assert found["price"] == (f"not known; give it in {tmp_path / 'models.toml'}", "")
    assert (found["max_tokens"], found["temperature"]) == (("1024", "default"), ("0.0", "default"))
    assert assumed("local")["price"][0] == "costs nothing"


def test_without_json_it_is_a_table_that_names_the_users_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REASONING_HOME", str(tmp_path))
    (tmp_path / "team.toml").write_text(
        '[models.ours]\nmodel = "q"\nbase_url = "http://127.0.0.1:9/v1"\ninput = 1\noutput = 2\n'
    )
    done = reasoning("models", "show", "ours", "--config", str(tmp_path / "team.toml"))
    assert "http://127.0.0.1:9/v1" in done.stdout
    assert "$1 prompt" in done.stdout
    assert not [path for path in tmp_path.iterdir() if path.name != "team.toml"]  # nothing is opened
    done = reasoning("models", "show", "local")
    assert (done.returncode, done.stderr) == (0, "")
    assert "requests in flight" in done.stdout
    assert f"write it into {tmp_path / 'models.toml'} (missing, so far)" in done.stdout
    # The column of the origins is shown on the narrowest usual terminal, however long the path of the file is.
    (tmp_path / "models.toml").write_text('["local*"]\nprefix_cache = true\n')
    monkeypatch.setenv("COLUMNS", "80")
    assert 'your models.toml:2 ["local*"]' in " ".join(reasoning("models", "show", "local").stdout.split())
    found = json.loads(reasoning("models", "show", "local", "--json").stdout)
    assert {"subject": "server", "value": "this machine", "origin": ""} in found["assumptions"]
