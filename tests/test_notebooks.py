"""The notebooks: kept as they were run, and run again from top to bottom."""

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
SHOWN = {"stream", "display_data", "execute_result"}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def code(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def shape(notebook: dict[str, Any]) -> list[list[tuple[str, list[str]]]]:
    """What each cell shows: the sort of each output and its media types."""
    return [[(out["output_type"], sorted(out.get("data", {}))) for out in cell["outputs"]] for cell in code(notebook)]


def test_there_are_four() -> None:
    assert len(NOTEBOOKS) == 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_as_it_was_run(path: Path) -> None:
    notebook = read(path)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert [cell["execution_count"] for cell in code(notebook)] == [*range(1, len(code(notebook)) + 1)]
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    outputs = [out for cell in code(notebook) for out in cell["outputs"]]
    assert {out["output_type"] for out in outputs} <= SHOWN
    assert any("text/html" in out.get("data", {}) for out in outputs)
    text = json.dumps(notebook)
    assert str(ROOT) not in text
    assert str(Path.home()) + "/" not in text
    for link in (one.partition(")")[0] for one in text.split("](")[1:] if not one.startswith("http")):
        assert (path.parent / link).exists(), link


@pytest.mark.model
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path: Path, smollm: Path, tmp_path: Path) -> None:
    """On the smallest model, with short replies: the cells show what is kept, though the model says something else."""
    text = path.read_text(encoding="utf-8")
    for tokens in ("400", "300", "200"):
        small = f'connect(\\"local:{smollm}\\", journal=False, max_tokens=24)'
        text = text.replace(f'connect(\\"local\\", max_tokens={tokens})', small)
    assert str(smollm) in text
    copy = tmp_path / path.name
    copy.write_text(text.replace("limit=8", "limit=2").replace("limit=5", "limit=2"), encoding="utf-8")
    runs = [sys.executable, "-W", "error", str(ROOT / "scripts/notebooks"), str(copy)]
    done = subprocess.run(runs, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert shape(read(copy)) == shape(read(path))


def test_a_cell_that_fails_is_named_and_the_file_stays(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": None, "outputs": [], "source": ["1 / 0"]}
    path = tmp_path / "bad.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    before = path.read_text()
    runs = [sys.executable, str(ROOT / "scripts/notebooks"), str(path)]
    done = subprocess.run(runs, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'File "bad.ipynb, cell 1", line 1' in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert path.read_text() == before


def test_what_cells_show(tmp_path: Path) -> None:
    sources = ["import reasoning as r\nprint('a')\ndisplay(1)\nr.Prompt(input='{q}')", "x = 2\nNone", "x;", "print(x)"]
    cells = [{"cell_type": "code", "metadata": {}, "source": [source]} for source in sources]
    path = tmp_path / "shows.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    subprocess.run([sys.executable, str(ROOT / "scripts/notebooks"), str(path)], check=True)
    first, *rest = shape(read(path))
    assert first == [("stream", []), ("display_data", ["text/plain"]), ("execute_result", ["text/html", "text/plain"])]
    assert rest == [[], [], [("stream", [])]]
