"""The page on tools: its blocks run and print their comments."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

import reasoning

PAGE = (Path(reasoning.__file__).parent.parent / "docs/how-to/use-tools.md").read_text(encoding="utf-8")


def test_the_blocks_of_the_page_print_their_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    scope: dict[str, Any] = {"__name__": "page"}
    for block in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block, "page", "exec", dont_inherit=True), scope)  # noqa: S102  # our own page
        said = re.findall(r"^(?:print\(.*\)  )?# (.*)$", block, re.MULTILINE)
        assert said
        assert [line.rstrip() for line in printed.getvalue().splitlines()] == said
