"""The page of answers: its programs print what it says, and its pictures show the current parsers."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from xml.etree import ElementTree

import pytest

import reasoning

ROOT = Path(reasoning.__file__).parent.parent
PAGE = (ROOT / "docs/explanation/answers.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.splitlines()[-1][:40])
def test_a_program_of_the_page_prints_its_comments(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, encoding="utf-8", check=True
    )
    expected = [
        line.partition("  # ")[2].partition("…")[0] for line in program.splitlines() if line.startswith("print(")
    ]
    for line, said in zip(expected, done.stdout.splitlines(), strict=True):
        assert said.startswith(line)


def test_the_pictures_show_the_current_parsers() -> None:
    loader = SourceFileLoader("pictures", str(ROOT / "scripts/pictures"))
    spec = importlib.util.spec_from_loader("pictures", loader)
    assert spec
    script = importlib.util.module_from_spec(spec)
    sys.modules["pictures"] = script
    loader.exec_module(script)
    drawn = script.drawn()
    assert drawn == {
        path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/explanation/pictures").glob("*.svg")
    }
    for svg in drawn.values():
        assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_every_picture_and_link_of_the_page_exists() -> None:
    targets = re.findall(r"\]\(([^)#]+)", PAGE)
    assert {f"pictures/{path.name}" for path in (ROOT / "docs/explanation/pictures").glob("*.svg")} <= set(targets)
    assert [target for target in targets if not (ROOT / "docs/explanation" / target).exists()] == []
    headings = {
        re.sub(r"[^\w -]", "", line[3:]).strip().lower().replace(" ", "-")
        for line in PAGE.splitlines()
        if line[:3] == "## "
    }
    assert [anchor for anchor in re.findall(r"\]\(#([^)]+)\)", PAGE) if anchor not in headings] == []


def test_the_page_names_every_kind_and_the_parser_version() -> None:
    for kind in reasoning.kinds.KINDS.values():
        assert f"`{kind.__name__}(" in PAGE
    assert f"\n| {reasoning.kinds.PARSER_VERSION} | " in PAGE
    assert f"\n| {reasoning.kinds.PARSER_VERSION + 1} | " not in PAGE
