"""The command `reasoning` in a process of its own, which skips most of a second of imports.

A server of the standard library's multiprocessing has imported what most commands use, and forks for each command.
What depends on the start of the interpreter itself (its options, closed streams, what it imports) is tested with `MAIN`
instead.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAIN = [sys.executable, "-c", "from reasoning.cli.app import main; main()"]
"""The command, for a process that imports everything anew."""
_SECONDS = 300.0
"""Seconds after which a command is killed."""
_STREAMS = "stdin", "stdout", "stderr"
_SETTINGS = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
"""What the interpreter of the server reads when it starts."""


def reasoning(
    *arguments: str, stdin: str = "", cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, and return its exit code and what it printed.

    Args:
        arguments: its words after `reasoning`.
        stdin: what it reads from standard input.
        cwd: its working folder; by default that of this process.
        env: its environment variables; by default those of this process, and a width of 120 columns.
    """
    environment = {**os.environ, "COLUMNS": "120"} if env is None else dict(env)
    settings = {name: value for name, value in environment.items() if name.startswith("PYTHON")}
    if sys.platform != "linux" or settings != _SETTINGS:
        options: dict[str, Any] = {"capture_output": True, "text": True, "check": False}
        return subprocess.run([*MAIN, *arguments], input=stdin, cwd=cwd, env=environment, timeout=_SECONDS, **options)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.command_imports"])
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder, name) for name in _STREAMS}
        paths["stdin"].write_text(stdin)
        process = context.Process(target=_run, args=(arguments, str(cwd or Path.cwd()), environment, paths))
        process.start()
        process.join(_SECONDS)
        process.kill()
        process.join()
        said = [paths[name].read_text() for name in ("stdout", "stderr")]
    code = process.exitcode
    process.close()
    return subprocess.CompletedProcess([*MAIN, *arguments], code or 0, *said)


def _run(arguments: tuple[str, ...], folder: str, environment: dict[str, str], paths: dict[str, Path]) -> None:
    """Run the command in this process, which was forked for it."""
    for number, (name, path) in enumerate(paths.items()):
        with path.open("rb" if name == "stdin" else "wb") as file:
            os.dup2(file.fileno(), number)
        lines = 1 if name == "stderr" else -1
        setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", lines, closefd=False))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    sys.path.insert(0, "")
    from reasoning.cli.app import main

    try:
        main()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
