"""The command `reasoning search`, and a folder in a spec."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reasoning.cli.app import app
from tests.faults.server import Server
from tests.retrieval.embedding_server import EmbeddingServer

pytest.importorskip("bm25s")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # A table or a tree that is wide enough breaks no line.
    monkeypatch.setenv("COLUMNS", "400")
    (tmp_path / "birds").mkdir()
    (tmp_path / "birds" / "heron.md").write_text("# Heron\n\nHerons eat \x1b[31mfrogs | and [red]fish[/red].\n")
    (tmp_path / "birds" / "owl.txt").write_text(f"{'Night. ' * 60} Owls hunt mice, not frogs.\n")
    return tmp_path / "birds"


def run(*words: object) -> Any:
    done = CliRunner().invoke(app(), ["search", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done


def test_passages_are_shown_with_source_position_and_score(folder: Path) -> None:
    shown = run(folder, "Which birds eat frogs?").stdout
    assert shown.split("\n")[0].split() == ["rank", "source", "passage", "position", "score"]
    assert "Heron · heron.md" in shown
    assert "\x1b" not in shown
    assert "frogs | and [red]fish[/red]." in " ".join(shown.split())
    assert "… Night. Night." in shown
    assert "not frogs." in shown


def test_as_json(folder: Path) -> None:
    found = json.loads(run(folder, "fish", "-k", 1, "--json").stdout)
    assert (found["retriever"], found["query"]) == (f"Index(source={str(folder)!r})", "fish")
    [passage] = found["passages"]
    assert (passage["rank"], passage["source"], passage["title"], passage["position"]) == (1, "heron.md", "Heron", 0)
    assert "\x1b[31mfrogs" in passage["text"]
    assert run(folder, "frogs", "--output", "csv").stdout.startswith("rank,source,passage,position,score\n")


def test_nothing_found_is_said(folder: Path) -> None:
    assert "nothing found" in run(folder, "zebra").output


def test_embeddings_are_kept_and_their_cost_is_shown(folder: Path, tmp_path: Path) -> None:
    with EmbeddingServer() as server:
        journal = tmp_path / "journal.sqlite"
        command = [folder, "mice", "--method", "hybrid", "--embeddings", "m", "--base-url", server.url]
        done = run(*command, "--journal", journal)
        assert "embedding: 3 calls" in done.stderr
        assert "owl.txt" in done.stdout.split("\n")[1]
        assert "embedding:" not in run(*command, "--journal", journal, "--rebuild").stderr
        assert len(server.texts) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gone", "x"], "gone: no such folder or file"),
        (["{folder}", "x", "--method", "dense"], "needs an embedding model, such as embeddings='local'"),
        (["wikipedia", "x", "--method", "hybrid"], "--method and --embeddings are for texts, got 'wikipedia'"),
        (["{folder}", "x", "-k", "0"], "-k"),
    ],
)
def test_errors(folder: Path, words: list[str], message: str) -> None:
    done = CliRunner().invoke(app(), ["search", *[word.format(folder=folder) for word in words]])
    assert done.exit_code != 0
    assert message in f"{done.output} {done.exception}"


def test_a_spec_alone_lets_a_strategy_search_a_folder(folder: Path) -> None:
    asked: list[str] = []

    def say(prompt: str, before: int, place: int) -> str:
        asked.append(prompt)
        if "Claims and questions:" in prompt:
            return "1. Herons eat grain => What do herons eat?"
        if "From another source:" in prompt:
            return "Herons eat frogs."
        return "frogs" if "Use only the passages above" in prompt else "Herons eat grain."

    with Server(latency=0, keep=False, say=say) as server:
        model = ["--model", "m", "--base-url", server.url, "--no-journal", "--trace"]
        spec = f"cove(retriever={str(folder)!r})"
        done = CliRunner().invoke(app(), ["ask", "What do herons eat?", "--strategy", spec, *model])
    assert done.exit_code == 0, done.output
    assert "Herons eat frogs." in done.stdout
    assert f"search {folder}" in " ".join(done.stdout.split())
    [verified] = [prompt for prompt in asked if "Use only the passages above" in prompt]
    assert "[1] Heron" in verified
    assert "indexing" in done.stderr
