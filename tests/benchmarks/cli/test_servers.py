"""`bench run` over several servers: the table of who did what, and a server that is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from reasoning.cli.app import app
from reasoning.cli.config import Config
from reasoning.engine.connect import connect
from reasoning.engine.describe import describe_model
from tests.faults.server import Server, by_place

RUN = ["bench", "run", "--task", "gsm_symbolic", "--limit", "6", "--strategies", "cot", "--model", "mock"]


def test_a_run_says_what_each_server_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Server(say=by_place) as one, Server(say=by_place) as two:
        urls = ["--base-url", one.url, "--base-url", two.url]
        words = [*RUN, *urls, "--journal", "j.sqlite", "--out", "out"]
        done = CliRunner().invoke(app(), [*words, "--json"])
        assert done.exit_code == 0, done.output
        servers = json.loads(done.stdout)["servers"]
        assert [each["base_url"] for each in servers] == [one.url, two.url]
        assert [each["completions"] for each in servers] == [one.completions, two.completions]
        assert sum(each["completions"] for each in servers) == 6
        assert "s/request" in done.stderr
        assert str(one.completions) in done.stderr.split(one.url)[1].splitlines()[0]
        # The folder is that of the first server: it continues with that one alone, and everything is known.
        asked = len(one.asked) + len(two.asked)
        done = CliRunner().invoke(app(), [*words[: words.index("--base-url")], *urls[:2], *words[-4:], "--json"])
        assert done.exit_code == 0, done.output
        assert "servers" not in json.loads(done.stdout)
        assert len(one.asked) + len(two.asked) == asked
        assert "servers" not in json.loads((tmp_path / "out" / "results.json").read_text())


def test_a_named_model_may_have_several_servers(tmp_path: Path) -> None:
    file = tmp_path / "reasoning.toml"
    file.write_text('[models.ours]\nmodel = "m"\nbase_url = ["http://a:1/v1", "http://b:1/v1"]\n')
    named = Config.read(file, app()).models["ours"]
    with connect(named.model, base_url=named.base_url, journal=False) as llm:
        shown = [value for subject, value, _ in describe_model(llm) if subject == "server"]
    assert shown == ["http://a:1/v1", "http://b:1/v1"]
