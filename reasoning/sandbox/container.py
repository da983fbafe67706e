"""Tier 3: programs run in a container of the user's own image, by Docker or Podman.

The image needs nothing of ours: only Python as `python3`, and the packages that programs shall find.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import secrets
import select
import shutil
import subprocess

from reasoning.errors import UsageError
from reasoning.sandbox.child import runner
from reasoning.sandbox.execution import ExecutionResult, ResourceLimits
from reasoning.sandbox.job import Job
from reasoning.sandbox.monty_errors import SandboxUnavailable
from reasoning.sandbox.protocol import ProgramChannel

ENGINES = ("docker", "podman")
"""The commands that are looked for, in this order."""
_START = "\nmain(0, 1)\n"
_START_UP = 60.0  # seconds that a container may take to come up, beside the program's own


class ContainerRunner:
    """Starts a container for each program, and removes it.

    Args:
        image: its name.
        engine: the command; by default Docker's, else Podman's.
    """

    tier = "container"

    def __init__(self, image: str, engine: str | None = None) -> None:
        if not image or image.startswith("-"):
            raise UsageError(f"container={image!r}: name an image, such as 'python:3.13-slim'")
        self._image = image
        self._engine = engine

    def command(self, name: str, limits: ResourceLimits) -> list[str]:
        """The command line that starts a container of this name."""
        return [
            self._found(), "run", "--rm", "--interactive", "--name", name, "--network", "none", "--read-only",
            "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534:65534",
            "--memory", f"{limits.memory_mb + 128}m", "--memory-swap", f"{limits.memory_mb + 128}m",
            "--cpus", "1", "--pids-limit", "32", "--ulimit", "core=0", "--ulimit", "fsize=0", "--workdir", "/",
            "--env", "PYTHONHASHSEED=0", "--env", "OPENBLAS_NUM_THREADS=1",
            self._image, "python3", "-P", "-s", "-B", "-X", "utf8", "-c", inspect.getsource(runner) + _START,
        ]  # fmt: skip

    def run(self, job: Job) -> ExecutionResult:
        """Run one program; blocks.

        Raises:
            UsageError: there is neither Docker nor Podman.
            Unavailable: this system cannot wait for pipes (Windows; its Linux subsystem can).
        """
        if not hasattr(select, "poll"):
            raise SandboxUnavailable("this system cannot wait for pipes")
        name = f"reasoning-{secrets.token_hex(8)}"
        process = subprocess.Popen(
            self.command(name, job.limits), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with job.cancel_token.on_cancel(process.kill):
                reading, writing = process.stdout.fileno(), process.stdin.fileno()
                os.set_blocking(reading, False)
                os.set_blocking(writing, False)
                return ProgramChannel(reading, writing, job, self.tier, start_up=_START_UP).run()
        finally:
            self._remove(name, process)

    def close(self) -> None:
        """Nothing stays between programs."""

    def _remove(self, name: str, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)  # it ends by itself when the program does
        if process.returncode != 0:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run([self._found(), "rm", "--force", name], capture_output=True, timeout=30, check=False)
            process.kill()
        with process:
            pass

    def _found(self) -> str:
        for engine in (self._engine,) if self._engine else ENGINES:
            if path := shutil.which(engine):
                return path
        raise UsageError("container=…: there is neither docker nor podman on this machine")
