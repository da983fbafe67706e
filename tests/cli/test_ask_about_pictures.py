"""`reasoning ask --image`: what is sent, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from reasoning.cli.app import app
from reasoning.errors import UsageError
from tests.image_files import png

QUESTION = ["ask", "Bars?", "--kind", "number", "-s", "vanilla", "--no-journal", "--json"]


@pytest.fixture
def recording(tmp_path: Path) -> list[str]:
    (tmp_path / "replies.jsonl").write_text(json.dumps({"question": "Bars?", "samples": ["3"]}) + "\n")
    return ["--model", f"replay:{tmp_path / 'replies.jsonl'}"]


def test_a_picture_of_a_file_goes_with_the_question(tmp_path: Path, recording: list[str]) -> None:
    (tmp_path / "a.png").write_bytes(png())
    ran = CliRunner().invoke(app(), [*QUESTION, *recording, "--image", str(tmp_path / "a.png"), "--trace"])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["value"] == 3


@pytest.mark.parametrize(
    ("image", "message"),
    [("missing.png", "the image cannot be read: No such file"), ("a.svg", "got SVG, which models do not take")],
)
def test_a_file_that_is_no_picture_is_an_error_of_usage(
    tmp_path: Path, recording: list[str], monkeypatch: pytest.MonkeyPatch, image: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.svg").write_text("<svg onload='alert(1)'/>")
    ran = CliRunner().invoke(app(), [*QUESTION, *recording, "--image", image])
    assert isinstance(ran.exception, UsageError)
    assert ran.exception.exit_code == 2
    assert message in str(ran.exception)
