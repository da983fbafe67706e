"""The page on voting: every block runs and prints its comments."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import reasoning

PAGE = (Path(reasoning.__file__).parent.parent / "docs/explanation/voting.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS, ids=["vote", "strategy", "stopping", "curves"])
def test_a_block_of_the_page_prints_its_comments(block: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    said = re.findall(r"^(?:print\(.*\)  )?# (.*)$", block, re.MULTILINE)
    assert said
    assert done.stdout.splitlines() == said
