"""Tests of the notebooks: their stored form, and a run from top to bottom."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import reasoning

ROOT = Path(reasoning.__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "docs/tutorials").glob("*.ipynb"))
OUTPUT_TYPES = {"stream", "display_data", "execute_result"}


def read(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def shape(notebook: dict[str, Any]) -> list[list[tuple[str, list[str]]]]:
    """Return the type and the media types of each output, by cell."""
    return [
        [(output["output_type"], sorted(output.get("data", {}))) for output in cell["outputs"]]
        for cell in code_cells(notebook)
    ]


def test_there_are_four() -> None:
    assert len(NOTEBOOKS) == 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_as_it_was_run(path: Path) -> None:
    notebook = read(path)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert [cell["execution_count"] for cell in code_cells(notebook)] == [*range(1, len(code_cells(notebook)) + 1)]
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    outputs = [output for cell in code_cells(notebook) for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= OUTPUT_TYPES
    assert "stderr" not in {output.get("name") for output in outputs}  # warnings, and progress
    assert "<progress" not in json.dumps(outputs)
    assert any("text/html" in output.get("data", {}) for output in outputs)
    text = json.dumps(notebook)
    assert str(ROOT) not in text
    assert str(Path.home()) + "/" not in text
    for link in (rest.partition(")")[0] for rest in text.split("](")[1:] if not rest.startswith("http")):
        assert (path.parent / link).exists(), link


@pytest.mark.model
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path: Path, smollm: Path, tmp_path: Path) -> None:
    """The smallest model, with short replies, gives outputs of the same shape as the stored ones."""
    text = path.read_text(encoding="utf-8")
    for tokens in ("400", "300", "200"):
        small = f'connect(\\"local:{smollm}\\", journal=False, max_tokens=24)'
        text = text.replace(f'connect(\\"local\\", max_tokens={tokens})', small)
    assert str(smollm) in text
    copy = tmp_path / path.name
    copy.write_text(text.replace("limit=8", "limit=2").replace("limit=5", "limit=2"), encoding="utf-8")
    command = [sys.executable, str(ROOT / "scripts/notebooks"), str(copy)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert shape(read(copy)) == shape(read(path))


def test_a_failing_cell_is_named_and_the_file_is_unchanged(tmp_path: Path) -> None:
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": ["1 / 0"],
    }
    path = tmp_path / "bad.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    before = path.read_text()
    command = [sys.executable, str(ROOT / "scripts/notebooks"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "bad.ipynb, cell 1:" in done.stderr
    assert "\x1b" not in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert path.read_text() == before


def test_printed_text_displayed_values_and_the_last_value_are_outputs(tmp_path: Path) -> None:
    sources = [
        "import reasoning as r\nprint('a')\ndisplay(1)\nr.Prompt(input='{q}')",
        "x = 2\nNone",
        "x;",
        "import sys\nprint(x)\nprint(x)\nprint(x, file=sys.stderr)",
        "bar = display('half', display_id=True)\nprint(x)\nbar.update({'text/plain': ''}, raw=True)",
    ]
    cells = [{"cell_type": "code", "metadata": {}, "source": [source]} for source in sources]
    path = tmp_path / "shows.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    subprocess.run([sys.executable, str(ROOT / "scripts/notebooks"), str(path)], check=True)
    first, *rest = shape(read(path))
    assert first == [("stream", []), ("display_data", ["text/plain"]), ("execute_result", ["text/html", "text/plain"])]
    # Standard error is an output of its own, and a removed output is not stored.
    assert rest == [[], [], [("stream", []), ("stream", [])], [("stream", [])]]
