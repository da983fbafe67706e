"""Transcripts: commands and cells of a notebook with what they print. They are run again to compare it.

A transcript is a text file. A line that begins with `$ ` is a command for a shell, and one that begins
with `In: ` is a cell of a notebook; all cells run in one kernel. Lines that begin with `> ` continue
it, and indented lines are what it printed, with a command's exit code if that is not 0. Everything
else is prose. What differs from run to run is replaced by a word such as TIME.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from notebook_kernel import CellFailed, Kernel, running_kernel

from first_hour.server import serve
from reasoning import paths

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
_COMMAND, _CELL = "$ ", "In: "
_SECONDS = 600
"""Seconds after which a command is given up."""
_VARYING = [
    (re.compile(r"\b\d+:\d\d(:\d\d)?\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? s\b"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(\+00:00|Z)?)?"), "DATE"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"(?<=[-_])[0-9a-f]{8}\b"), "HASH"),
    (re.compile(r"\b\d+\.\d+(?=\*\* \|$)", re.MULTILINE), "TIME"),
    (re.compile(r"\b\d+\.\d+(?=\s*$)", re.MULTILINE), "TIME"),  # the last column of a table: s/problem
]
_PROGRESS = re.compile(r"^\d+/\d+ · .*\n", re.MULTILINE)
"""The lines of a slow run, which a quick one does not print."""


def replay(transcript: str) -> str:
    """Run the commands of a transcript, and return the transcript of now."""
    with tempfile.TemporaryDirectory() as folder, serve() as url:
        home, work = Path(folder, "home"), Path(folder, "work")
        home.mkdir()
        work.mkdir()
        kept = ("PATH", "LANG", "TMPDIR", "HF_ENDPOINT", "HF_HUB_OFFLINE")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {
            "HOME": str(home),
            "SERVER": url,
            "COLUMNS": "100",
            "LC_ALL": "C.UTF-8",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            # The student's weights are those of this machine; they are not fetched for a transcript.
            "MODELS": str(paths.cache_dir()),
        }
        parts = []
        with ExitStack() as stack:
            cells = _Cells(stack, work, environment)
            for prose, prompt, source in _parse(transcript):
                parts.append(prose)
                if source:
                    text = cells.run(source) if prompt == _CELL else _run_command(source, work, environment)
                    parts.append(_shown(prompt, source) + _normalised(text, folder))
        return "".join(parts)


class _Cells:
    """The cells of a transcript. Their kernel is started at the first one, and ends with the stack."""

    def __init__(self, stack: ExitStack, work: Path, environment: Mapping[str, str]) -> None:
        self._stack, self._work, self._environment = stack, work, environment
        self._kernel: Kernel | None = None

    def run(self, source: str) -> str:
        """Run a cell, and return what stays below it where no HTML is drawn."""
        if self._kernel is None:
            self._kernel = self._stack.enter_context(running_kernel(self._work, self._environment))
        try:
            outputs = self._kernel.run(source, _SECONDS)
        except CellFailed as error:
            return str(error)
        return "\n".join("".join(output.get("text") or output["data"]["text/plain"]).rstrip() for output in outputs)


def _parse(transcript: str) -> Iterator[tuple[str, str, str]]:
    """Yield each command or cell with the prose and the prompt before it; the last one is empty."""
    prose, lines = "", iter(transcript.splitlines(keepends=True))
    line = next(lines, "")
    while line:
        prompt = next(filter(line.startswith, (_COMMAND, _CELL)), "")
        if not prompt:
            prose, line = prose + line, next(lines, "")
            continue
        source, line = line.removeprefix(prompt), next(lines, "")
        while line.startswith(">"):
            source, line = source + line[2:], next(lines, "")
        while line.startswith("    "):
            line = next(lines, "")
        yield prose, prompt, source.rstrip("\n")
        prose = ""
    yield prose, "", ""


def _shown(prompt: str, source: str) -> str:
    first, *others = source.split("\n")
    return "\n".join([f"{prompt}{first}", *(f"> {line}".rstrip() for line in others)]) + "\n"


def _run_command(command: str, work: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    lines = [*done.stdout.splitlines(), *([f"exit code {done.returncode}"] if done.returncode else [])]
    return "".join(f"{line}\n" for line in lines)


def _normalised(text: str, folder: str) -> str:
    text = _PROGRESS.sub("", text).replace(str(ROOT), "REPOSITORY").replace(folder, "FOLDER")
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    # An empty line is marked, so that it does not end the output.
    return "".join(f"    {line.rstrip() or '.'}\n" for line in text.splitlines())
