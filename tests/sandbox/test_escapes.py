"""No hostile program reads, writes, sends, starts or leaves anything, in any tier, and each ends in time.

Each file of tests/escapes is one program; its first line says what it tries. What it could not prove by an effect it
says itself, with the word ESCAPED.
"""

from __future__ import annotations

import os
import platform
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import reasoning
from reasoning.sandbox.cancellation import CancelToken, ConcurrencyLimit
from reasoning.sandbox.execution import ExecutionResult, ResourceLimits
from reasoning.sandbox.fork_server import ForkServerPool
from reasoning.sandbox.host_functions import HostFunctions
from reasoning.sandbox.interpreter import PACKAGES
from reasoning.sandbox.job import Job
from reasoning.sandbox.monty import MontyPool
from reasoning.sandbox.monty_errors import SandboxUnavailable, UnsupportedByMonty
from reasoning.sandbox.watchdog import Watchdog

PROGRAMS = sorted((Path(__file__).parents[1] / "escapes").glob("*.py"))
LIMITS = ResourceLimits(seconds=0.4, memory_mb=64)
TOKEN = secrets.token_hex(16)
NEXT = """
import math, random
ans = [math.pi, math.sqrt(16), sum([1, 2]), int('3'), repr('a'), random.random()]
"""
NEXT_CHILD = """
import sympy, numpy, statistics
x = sympy.Symbol('x')
ans += [sympy.solve(x + 1), numpy.sum([1, 2]), numpy.pi, statistics.mean([1, 3])]
"""
SHARED = [Path(folder) for folder in ("/tmp", "/dev/shm") if os.path.isdir(folder)]


class Surroundings:
    """What a program could reach, if it could."""

    def __init__(self, folder: Path) -> None:
        self.secret = folder / "home"
        self.drop = folder / "drop"
        self.secret.mkdir()
        self.drop.mkdir()
        self.drop.chmod(0o777)
        for name, text in {"key.txt": f"CANARY-{TOKEN}", "planted.py": f"value = 'CANARY-{TOKEN}'"}.items():
            (self.secret / name).write_text(text)
            (self.secret / name).chmod(0o666)
        (folder / "link").symlink_to(f"/home/CANARY-{TOKEN}")
        self.before = self._files()
        self.sockets = [socket.create_server(("127.0.0.1", 0))]
        self.sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.sockets[1].bind(("127.0.0.1", 0))
        for address in (str(folder / "socket"), f"\0reasoning-{TOKEN[:8]}"):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(address)
            listener.listen()
            self.sockets.append(listener)
        for each in self.sockets:
            each.setblocking(False)
        self.inputs = {
            "canary_file": str(self.secret / "key.txt"),
            "canary_folder": str(self.secret),
            "canary_link": str(folder / "link"),
            "drop": str(self.drop),
            "package_folder": str(Path(reasoning.__file__).parents[1]),
            "port": self.sockets[0].getsockname()[1],
            "udp_port": self.sockets[1].getsockname()[1],
            "unix_socket": str(folder / "socket"),
            "abstract_socket": f"\0reasoning-{TOKEN[:8]}",
            "parent": os.getpid(),
        }

    def _files(self) -> dict[str, tuple[str, int, int]]:
        return {
            path.name: (path.read_text(), path.stat().st_mode, path.stat().st_mtime_ns)
            for path in self.secret.iterdir()
        }

    def check(self) -> None:
        """Nothing has happened."""
        assert self._files() == self.before
        assert os.listdir(self.drop) == []
        assert [path for folder in SHARED for path in folder.glob("escaped*")] == []
        for listener in self.sockets:
            with pytest.raises(BlockingIOError):
                listener.recv(1) if listener.type == socket.SOCK_DGRAM else listener.accept()


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("OPENAI_API_KEY", f"CANARY-{TOKEN}")
        found = Surroundings(tmp_path_factory.mktemp("escapes"))
        for each in found.sockets:
            stack.enter_context(each)
        yield found


@pytest.fixture(scope="module", params=["monty", "child"])
def tier(request: pytest.FixtureRequest, surroundings: Surroundings) -> Iterator[MontyPool | ForkServerPool]:
    pool = MontyPool(1, ConcurrencyLimit(1), Watchdog()) if request.param == "monty" else ForkServerPool(PACKAGES)
    if isinstance(pool, ForkServerPool):
        try:
            if pool.status().unenforced:
                pytest.skip(f"this machine cannot lock down {pool.status().unenforced}")
        except SandboxUnavailable as why:
            pytest.skip(str(why))
    yield pool
    pool.close()


def run(
    tier: MontyPool | ForkServerPool, code: str, inputs: dict[str, object], places: tuple[str, ...] = ("ans",)
) -> ExecutionResult:
    limits = LIMITS if inputs else ResourceLimits()
    turn = CancelToken()
    try:
        return tier.run(Job(code, inputs, places, limits, HostFunctions({}, limits, ConcurrencyLimit(1), turn), turn))  # type: ignore[arg-type]
    except UnsupportedByMonty as error:
        return ExecutionResult(error=str(error))


def descendants(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.fixture(scope="module")
def as_usual(tier: MontyPool | ForkServerPool) -> ExecutionResult:
    usual = next_program(tier)
    assert usual.value is not None
    return usual


def next_program(tier: MontyPool | ForkServerPool) -> ExecutionResult:
    return run(tier, NEXT + NEXT_CHILD * isinstance(tier, ForkServerPool), {})


def test_there_are_many_and_each_says_what_it_tries() -> None:
    assert len(PROGRAMS) >= 120
    for path in PROGRAMS:
        assert path.read_text().startswith("# "), path


@pytest.mark.skipif(sys.platform != "linux", reason="the locks are Linux's")
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_no_program_escapes(
    path: Path, tier: MontyPool | ForkServerPool, surroundings: Surroundings, as_usual: ExecutionResult
) -> None:
    code = path.read_text()
    if "x86_64" in code.partition("\n")[0] and platform.machine() != "x86_64":
        pytest.skip("its calls have other numbers here")
    for attempt in range(3):  # a busy machine may be late once
        started = time.perf_counter()
        ran = run(tier, code, surroundings.inputs)
        if time.perf_counter() - started < LIMITS.seconds + 1:
            break
        assert attempt < 2, "it goes on for longer than its limit and a second"
    said = f"{ran.value!r} {ran.error} {ran.stdout}"
    assert TOKEN not in said
    assert "ESCAPED" not in f"{ran.value!r} {ran.stdout}"
    assert len(said) < 4 * LIMITS.output_chars
    surroundings.check()
    after = next_program(tier)
    assert (after.value, after.error) == (as_usual.value, as_usual.error)
    if isinstance(tier, ForkServerPool):
        assert tier._zygote is not None
        until = time.perf_counter() + 30
        while (left := descendants(tier._zygote._process.pid)) and time.perf_counter() < until:
            time.sleep(0.001)
        assert left == []


def test_the_corpus_would_notice(surroundings: Surroundings) -> None:
    """The same programs, run without any lock, do read and write and connect: what we look for can be seen."""
    import subprocess

    inputs = "".join(f"{name} = {value!r}\n" for name, value in surroundings.inputs.items() if name != "parent")
    for name, sign in {
        "read_canary": TOKEN, "read_environment": TOKEN, "import_planted": TOKEN, "net_tcp": "ESCAPED",
        "process_system": "ESCAPED", "process_threads": "ESCAPED", "open_c": TOKEN, "memory_file": "ESCAPED",
        "read_link": TOKEN,
    }.items():  # fmt: skip
        path = next(path for path in PROGRAMS if path.stem == name)
        done = subprocess.run(
            [sys.executable, "-B", "-c", f"{inputs}{path.read_text()}\nprint(ans)"],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert sign in done.stdout, (name, done.stderr)
    with pytest.raises(AssertionError):
        surroundings.check()
    (surroundings.drop / "escaped").unlink()
    surroundings.sockets[0].accept()[0].close()
    surroundings.check()
