"""Import time: the cost of importing each library, and of starting this library's command, in fresh processes."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from perf.virtualenvs import CLIENTS

TIMES = 5
HEAVY = (
    "aiohttp",
    "datasets",
    "httpx",
    "jinja2",
    "litellm",
    "numpy",
    "openai",
    "pandas",
    "pydantic",
    "requests",
    "rich",
    "tiktoken",
)
READY = (
    "import reasoning as r; r.strategies.get('self_consistency'); r.connect('mock', base_url='http://127.0.0.1:1/v1')"
)
_LOADED = f"""
import sys
rss = int(open("/proc/self/status").read().split("VmRSS:")[1].split()[0]) / 1024
import json
print(json.dumps([len(sys.modules), rss, [name for name in {HEAVY} if name in sys.modules]]))
"""


def imports(programs: dict[str, Path]) -> Iterator[dict[str, Any]]:
    """Yield a row for each library: seconds (median), modules, memory, and the large libraries it imports."""
    for name, program in programs.items():
        commands = {f"import {CLIENTS[name].imports}": ["-c", f"import {CLIENTS[name].imports}"]}
        if name == "reasoning":
            commands["… a strategy and a model, ready to ask"] = ["-c", READY]
            commands["reasoning --version"] = ["-m", "reasoning.cli.app", "--version"]
        for label, command in commands.items():
            row = {"import": label, "s": round(_seconds(program, command) - _seconds(program, ["-c", "pass"]), 3)}
            if command[0] == "-c":
                modules, rss, heavy = _loaded(program, command[1])
                bare, _, _ = _loaded(program, "pass")
                row |= {
                    "modules": modules - bare,
                    "rss_mb": round(rss, 1),
                    "with": [library for library in heavy if library != name],
                }
            yield row


def _seconds(program: Path, words: list[str]) -> float:
    took = []
    for _ in range(TIMES + 1):  # the first one fills the page cache
        start = time.perf_counter()
        subprocess.run([program, *words], check=True, capture_output=True, cwd="/")
        took.append(time.perf_counter() - start)
    return statistics.median(took[1:])


def _loaded(program: Path, code: str) -> tuple[int, float, list[str]]:
    done = subprocess.run([program, "-c", code + _LOADED], check=True, capture_output=True, text=True, cwd="/")
    modules, rss, heavy = json.loads(done.stdout.splitlines()[-1])
    return modules, rss, heavy
