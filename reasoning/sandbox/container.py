"""The container tier: programs run in a container of the user's image, by Docker or Podman.

The image needs only Python as `python3`, and the packages that programs may import.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import os
import secrets
import select
import shutil
import subprocess

from reasoning.errors import UsageError
from reasoning.sandbox.cancellation import ConcurrencyLimit
from reasoning.sandbox.child import runner
from reasoning.sandbox.execution import ExecutionResult, ResourceLimits
from reasoning.sandbox.host_functions import HostFunctions
from reasoning.sandbox.job import Job
from reasoning.sandbox.monty_errors import SandboxUnavailable
from reasoning.sandbox.protocol import ProgramChannel

ENGINES = ("docker", "podman")
"""The commands to look for, in this order."""
_MAIN_CALL = "\nend_with(0, {seconds})\nmain(0, 1)\n"
# Seconds that a container may take to start, in addition to the program's own time.
_STARTUP_SECONDS = 60.0


class ContainerRunner:
    """Starts a container for each program, and removes it afterwards.

    Args:
        image: the name of the image.
        engine: the command; None stands for `docker`, or `podman` if there is no `docker`.

    Raises:
        UsageError: `image` is not a valid name.
    """

    tier = "container"

    def __init__(self, image: str, engine: str | None = None) -> None:
        if not image or image.startswith("-"):  # it would be read as an option
            raise UsageError(f"image must be the name of a container image, such as python:3.13-slim, got {image!r}")
        self._image = image
        self._engine = engine

    def command(self, name: str, limits: ResourceLimits) -> list[str]:
        """Return the command line that starts a container of this name."""
        return [
            self._find_engine(), "run", "--rm", "--interactive", "--name", name, "--network", "none", "--read-only",
            "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534:65534",
            "--memory", f"{limits.memory_mb + 128}m", "--memory-swap", f"{limits.memory_mb + 128}m",
            "--cpus", "1", "--pids-limit", "32", "--ulimit", "core=0", "--ulimit", "fsize=0", "--workdir", "/",
            "--env", "PYTHONHASHSEED=0", "--env", "OPENBLAS_NUM_THREADS=1",
            self._image, "python3", "-P", "-s", "-B", "-X", "utf8", "-c",
            inspect.getsource(runner) + _MAIN_CALL.format(seconds=math.ceil(limits.seconds) + 2),
        ]  # fmt: skip

    def run(self, job: Job) -> ExecutionResult:
        """Run one program; blocks.

        Raises:
            UsageError: neither Docker nor Podman is installed.
            SandboxUnavailable: this system cannot wait for pipes (Windows; its Linux subsystem
                can).
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
                read_fd, write_fd = process.stdout.fileno(), process.stdin.fileno()
                os.set_blocking(read_fd, False)
                os.set_blocking(write_fd, False)
                return ProgramChannel(read_fd, write_fd, job, self.tier, start_up=_STARTUP_SECONDS).run()
        finally:
            self._remove(name, process)

    def check(self) -> None:
        """Check that the image runs programs, by running one; takes about a second.

        Raises:
            UsageError: it does not; says what is missing and what to do.
        """
        engine = self._find_engine()
        try:
            # `run` would pull a missing image, which takes longer than any program may.
            inspection = subprocess.run(
                [engine, "image", "inspect", self._image], capture_output=True, text=True, timeout=30, check=False
            )
            problem = (
                (inspection.stderr.strip() or f"exit code {inspection.returncode}") if inspection.returncode else ""
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            problem = str(error)
        if problem:
            raise UsageError(
                f"{engine} cannot use the image {self._image!r}: {problem.splitlines()[-1][:200]}; "
                f"start the service, or fetch the image with: {engine} pull {self._image}"
            )
        limits = ResourceLimits()
        program = Job("answer = 6 * 7", {}, ("answer",), limits, HostFunctions({}, limits, ConcurrencyLimit(1)))
        try:
            result = self.run(program)
        except SandboxUnavailable as error:
            raise UsageError(f"the sandbox mode 'container' is not available: {error}") from None
        if result.value != 42:
            raise UsageError(
                f"the image {self._image!r} cannot run programs ({result.error}): it needs Python as python3; "
                f"try: {engine} run --rm {self._image} python3 --version"
            )

    def close(self) -> None:
        """Do nothing: no container outlives its program."""

    def _remove(self, name: str, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)  # it ends by itself when the program does
        if process.returncode != 0:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(
                    [self._find_engine(), "rm", "--force", name], capture_output=True, timeout=30, check=False
                )
            process.kill()
        with process:
            pass

    def _find_engine(self) -> str:
        for engine in (self._engine,) if self._engine else ENGINES:
            if path := shutil.which(engine):
                return path
        raise UsageError(
            "the sandbox mode 'container' needs docker or podman, and this machine has neither on its PATH: "
            "install one, or choose the mode 'process'"
        )
