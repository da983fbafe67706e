"""The README's programs, run as they stand on a real model."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import reasoning

README = (Path(reasoning.__file__).parent.parent / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.mark.model
@pytest.mark.parametrize("program", PROGRAMS, ids=["question", "chain", "strategy"])
def test_a_program_of_the_readme_runs(program: str, smollm: Path, tmp_path: Path) -> None:
    small = program.replace('connect("local")', f'connect("local:{smollm}", journal=False, max_tokens=48)')
    assert small != program
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", small], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout
