"""No program outlives the process that started it, in any tier, whatever it computes, even after `kill -9`."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from reasoning.sandbox.interpreter import Interpreter
from tests.sandbox.test_container import engine  # noqa: F401 - a fixture

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
HOST = """
import os, threading, time
from reasoning.sandbox.interpreter import Interpreter
from reasoning.sandbox.execution import ResourceLimits
from pathlib import Path

limits = ResourceLimits(seconds=600, memory_mb=512)
interpreter = Interpreter({mode!r}, limits=limits)
interpreter.run({warm_up!r})
functions = {{"f": time.sleep}} if {waits} else None
for _ in range(2):
    threading.Thread(target=lambda: interpreter.run({code!r}, functions=functions), daemon=True).start()
{more}

def descendants(pid):
    for task in os.listdir(f"/proc/{{pid}}/task"):
        for child in Path(f"/proc/{{pid}}/task/{{task}}/children").read_text().split():
            yield child
            yield from descendants(child)

def busy(pid):
    return int(Path(f"/proc/{{pid}}/stat").read_text().rpartition(")")[2].split()[11]) > 20  # 0.2 s of processor time

until = time.monotonic() + 60
while sum(map(busy, descendants(os.getpid()))) < {workers} and time.monotonic() < until:
    time.sleep(0.05)
print(*descendants(os.getpid()), flush=True)
time.sleep(600)
"""
# Monty looks at its limits neither while it compiles these nor within one call.
NESTED = "".join(f"{' ' * depth}def f{depth}():\n" for depth in range(40)) + f"{' ' * 40}pass"
TIERS = {
    "interpreter": ("interpreter", "1", "while True: pass"),
    "nested definitions": ("interpreter", "1", NESTED),
    "a growing re.sub": ("interpreter", "1", "import re\nre.sub('a', 'a' * 10 ** 5, 'a' * 4000)"),
    "a divisor": ("interpreter", "1", "import math\nmath.gcd(3 ** 3_000_000, 7 ** 2_000_000)"),
    "process": ("process", "import heapq", "import heapq\nwhile True: pass"),
    "a regular expression": ("process", "import heapq", "import heapq, re\nre.match('(a|a)*b', 'a' * 60)"),
    "container": ("container, image=known", "1", "import heapq\nwhile True: pass"),
}


def start(mode, warm_up, code, *, waits=False, more="", workers=2):
    host = HOST.format(mode=mode, warm_up=warm_up, code=code, waits=waits, more=more, workers=workers)
    process = subprocess.Popen([sys.executable, "-c", host], stdout=subprocess.PIPE, text=True)
    pids = process.stdout.readline().split()
    process.stdout.close()
    return process, pids


def left(pids):
    """Return the processes that are still there after a while."""
    until = time.perf_counter() + 60
    while time.perf_counter() < until and any(map(alive, pids)):
        time.sleep(0.01)
    return [pid for pid in pids if alive(pid)]


def alive(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("tier", TIERS.values(), ids=TIERS)
def test_what_runs_ends_with_its_host(tier):
    process, pids = start(*tier)
    assert len(pids) >= 2
    process.kill()
    process.wait()
    assert left(pids) == []


def test_a_forked_child_of_the_host_keeps_nothing_alive():
    """The child has copies of all pipes and sockets of its parent."""
    for tier in ("interpreter", "process"):
        process, pids = start(*TIERS[tier], more="child = os.fork() or time.sleep(600)\n")
        host = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        child = next(pid for pid in pids if Path(f"/proc/{pid}/cmdline").read_bytes() == host)
        process.kill()
        process.wait()
        try:
            assert alive(child)
            assert left([pid for pid in pids if pid != child]) == []
        finally:
            os.kill(int(child), signal.SIGKILL)


def test_what_waits_for_a_host_function_ends_with_its_host():
    process, pids = start("interpreter", "1", "f(0)\nwhile True: pass", waits=True)
    process.kill()
    process.wait()
    assert left(pids) == []


def test_what_runs_in_a_thread_ends_when_the_host_exits():
    process, pids = start("interpreter", "1", "while True: pass", more="")
    process.send_signal(signal.SIGINT)
    process.wait()
    assert left(pids) == []


def test_a_worker_outlives_the_thread_that_started_it():
    with Interpreter("interpreter", workers=1) as interpreter:
        thread = threading.Thread(target=interpreter.run, args=("1",))
        thread.start()
        thread.join()
        before = worker_pids()
        time.sleep(0.2)
        assert interpreter.run("2").value == 2
        assert worker_pids() == before != set()


def worker_pids():
    tasks = Path("/proc/self/task").iterdir()
    return {pid for task in tasks for pid in (task / "children").read_text().split()}


def test_another_watchdog_starts_when_one_has_died():
    with Interpreter("interpreter", workers=1) as interpreter:
        assert interpreter.run("1").value == 1
        dog = interpreter._watchdog._process
        os.kill(dog.pid, signal.SIGKILL)
        time.sleep(0.1)
        interpreter._watchdog.forget(next(iter(interpreter._watchdog._watched)))
        assert interpreter.run("2").value == 2
        assert interpreter._watchdog._process is not dog


def test_without_handles_of_processes_only_workers_are_killed():
    """As on other systems: the process number comes alone, and may be another process's by now."""
    reading, writing = os.pipe()
    start_dog = f"import os; del os.pidfd_open; from reasoning.sandbox.child.watchdog import main; main({reading})"
    dog = subprocess.Popen([sys.executable, "-c", start_dog], pass_fds=[reading])
    os.close(reading)
    names = ("monty subprocess", "another")
    others = [subprocess.Popen(["bash", "-c", f"exec -a '{name}' sleep 600"]) for name in names]
    try:
        os.write(writing, "".join(f"{each.pid}\n" for each in others).encode())
        time.sleep(0.2)
        assert [each.poll() for each in others] == [None, None]
        os.close(writing)
        assert dog.wait(30) == 0
        assert others[0].wait(30) == -signal.SIGKILL
        assert others[1].poll() is None
    finally:
        for each in others:
            each.kill()
            each.wait()


def test_a_program_in_c_in_a_container_ends_at_its_processor_time():
    """No thread runs besides it that could see that the host has ended."""
    code = "from reasoning.sandbox.child.runner import end_with; end_with(0, 0); sum(range(10 ** 13))"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        assert process.wait(60) in (-signal.SIGXCPU, -signal.SIGKILL)
