"""Screenshots in the documentation: light, complete, and without anything of the machine that took them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

import reasoning

DOCS = Path(reasoning.__file__).parent.parent / "docs"
TERMINALS = sorted(DOCS.rglob("terminal-*.svg"))
PICTURES = [DOCS / "how-to/report.png", DOCS / "tutorials/notebook.png"]


@pytest.mark.parametrize("path", TERMINALS, ids=lambda path: path.stem)
def test_a_terminal_is_a_picture_that_fetches_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "url(" not in text.replace("url(#", "")
    assert len(text) < 40_000
    assert "Traceback" not in text
    assert "reasoning" in text


@pytest.mark.parametrize("path", [*TERMINALS, *PICTURES], ids=lambda path: path.stem)
def test_a_picture_is_shown_on_a_page(path: Path) -> None:
    pages = path.parent.glob("*.md")
    assert any(f"]({path.name})" in page.read_text(encoding="utf-8") for page in pages)
    assert path.stat().st_size < 130_000


def test_there_are_pictures_of_terminal_page_and_notebook() -> None:
    assert len(TERMINALS) == 2
    assert all(path.exists() for path in PICTURES)
