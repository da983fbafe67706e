"""Transcripts: commands with what they print. The commands of a transcript are run again to compare it.

A transcript is a text file. A line that begins with `$ ` is a command for a shell, lines that begin
with `> ` continue it, and indented lines are what it printed, with its exit code if that is not 0.
Everything else is prose. What differs from run to run is replaced by a word such as TIME.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from first_hour.server import serve
from reasoning import paths

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
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
        for prose, command in _parse(transcript):
            parts.append(prose)
            if command:
                parts.append(_shown(command) + _run(command, work, environment, folder))
        return "".join(parts)


def _parse(transcript: str) -> Iterator[tuple[str, str]]:
    """Yield each command with the prose before it; the last one is empty."""
    prose, lines = "", iter(transcript.splitlines(keepends=True))
    line = next(lines, "")
    while line:
        if not line.startswith("$ "):
            prose, line = prose + line, next(lines, "")
            continue
        command, line = line[2:], next(lines, "")
        while line.startswith(">"):
            command, line = command + line[2:], next(lines, "")
        while line.startswith("    "):
            line = next(lines, "")
        yield prose, command.rstrip("\n")
        prose = ""
    yield prose, ""


def _shown(command: str) -> str:
    first, *others = command.split("\n")
    return "\n".join([f"$ {first}", *(f"> {line}".rstrip() for line in others)]) + "\n"


def _run(command: str, work: Path, environment: dict[str, str], folder: str) -> str:
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
    text = _PROGRESS.sub("", done.stdout).replace(str(ROOT), "REPOSITORY").replace(folder, "FOLDER")
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    lines = [line.rstrip() for line in text.splitlines()]
    lines += [f"exit code {done.returncode}"] if done.returncode else []
    # An empty line is marked, so that it does not end the output.
    return "".join(f"    {line or '.'}\n" for line in lines)
