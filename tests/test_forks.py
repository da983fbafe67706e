"""Forks of a process that has used the library: each child works at once, and the parent loses nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.server import Server

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

_HEAD = """\
import multiprocessing, os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore")  # that threads are running
import reasoning
from reasoning import strategies
url, path = sys.argv[1:3]

def connect(**how):
    return reasoning.connect("mock", base_url=url, journal=path, api_key="none", **how)

def ask(llm, question, strategy="vanilla"):
    return strategies.get(strategy).run(question, llm).value

def in_child(work):
    child = os.fork()
    if child:
        return child
    signal.alarm(30)  # a child that hangs is killed
    code = 1
    try:
        work()
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)

def wait(*children):
    ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert ends == [0] * len(children), ends
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(say=lambda prompt, nth, place: f"The answer is {prompt.split()[1]}.", latency=0.05) as server:
        yield server


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(code: str, server: Server, folder: Path, loop: str = "uvloop") -> str:
    head = _HEAD if loop == "uvloop" else f"import sys; sys.modules['uvloop'] = None\n{_HEAD}"
    done = subprocess.run(
        [sys.executable, "-c", head + code, server.url, str(folder / "journal.sqlite")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_a_child_uses_the_same_model_and_a_new_one_while_the_parent_continues(
    server: Server, tmp_path: Path, loop: str
) -> None:
    run(
        """
llm = connect()
assert ask(llm, "say 1") == "1"

def child():
    assert ask(llm, "say 1") == "1"      # from the journal
    assert ask(llm, "say 2") == "2"
    assert ask(connect(), "say 3") == "3"
    with connect() as new:
        assert ask(new, "say 4", "self_consistency(vanilla, samples=3)") == "4"

for again in range(2):
    here = in_child(child)
    assert ask(llm, f"say 1{again}") == f"1{again}"
    wait(here)
    assert ask(llm, "say 2") == "2"
assert len(llm.journal) == 8, len(llm.journal)
llm.__exit__(None, None, None)
""",
        server,
        tmp_path,
        loop,
    )
    asked = Counter(asked.prompt.split()[1] for asked in server.asked)
    assert asked == dict.fromkeys(["1", "2", "3", "4", "10", "11"], 1)


def test_a_child_of_a_process_with_calls_in_flight_draws_what_it_needs_itself(
    server: Server, tmp_path: Path, loop: str
) -> None:
    """The parent's draws are no draws of the child: it never waits for them, and the parent receives them."""
    server.latency = 0.5
    budget = run(
        """
llm = connect(budget=reasoning.Budget(calls=20, tokens=100_000), concurrency=2)
assert ask(llm, "say 0") == "0"
answers = {}
threads = [
    threading.Thread(target=lambda k=k: answers.update({k: ask(llm, f"say {k}")})) for k in range(1, 7)
]
for thread in threads:
    thread.start()
time.sleep(0.2)
assert llm.in_flight == 6

def child():
    assert llm.in_flight == 0
    assert ask(llm, "say 1") == "1"
    assert ask(connect(), "say 2") == "2"
    assert ask(llm, "say 100") == "100"
    # As in a server that ends its workers in the usual way.
    sys.exit(0)

def end_in_order():
    try:
        child()
    except SystemExit:
        pass

here = in_child(end_in_order)
for thread in threads:
    thread.join()
wait(here)
assert answers == {k: str(k) for k in range(1, 7)}, answers
assert ask(llm, "say 7") == "7"
print(llm.budget.spent.calls)
""",
        server,
        tmp_path,
        loop,
    )
    assert budget == "8\n"
    asked = Counter(asked.prompt.split()[1] for asked in server.asked)
    assert all(asked[k] == 1 for k in ("0", "3", "4", "5", "6", "7", "100"))


def test_a_child_ends_as_python_ends_without_a_word_and_without_harm(server: Server, tmp_path: Path, loop: str) -> None:
    """The destructors of the parent's connections, tasks and pools do not act in the child, not even at its end."""
    server.latency = 0.3
    out = run(
        """
import gc
llm = connect()
ask(llm, "say 0")
answers = []
threads = [threading.Thread(target=lambda k=k: answers.append(ask(llm, f"say {k}"))) for k in range(1, 4)]
for thread in threads:
    thread.start()
time.sleep(0.1)
child = os.fork()
if not child:
    del llm, threads
    gc.collect()
    assert ask(connect(), "say 9") == "9"
    sys.exit(0)
for thread in threads:
    thread.join()
wait(child)
assert sorted(answers) == ["1", "2", "3"]
assert ask(llm, "say 4") == "4"
print("done")
""",
        server,
        tmp_path,
        loop,
    )
    assert out == "done\n"
    assert max(Counter(asked.prompt for asked in server.asked).values()) == 1


def test_workers_of_a_pool_and_of_a_preloaded_server_share_the_journal(server: Server, tmp_path: Path) -> None:
    run(
        """
llm = connect(budget=reasoning.Budget(calls=1_000), shared=True)
ask(llm, "say 0")

def work(k):
    return ask(llm, f"say {k % 10}"), ask(connect(), f"say {k}")

def count(workers):
    return ask(llm, f"say {workers}")

context = multiprocessing.get_context("fork")
with context.Pool(4) as pool:
    assert pool.map(work, range(40)) == [(str(k % 10), str(k)) for k in range(40)]
# A server that has loaded everything before it forks its workers, which fork again.
def worker():
    assert ask(llm, "say 100") == "100"
    wait(in_child(lambda: ask(llm, "say 101")))
wait(*(in_child(worker) for _ in range(4)))
assert len(llm.journal) == 42, len(llm.journal)
assert llm.limits._registry.count() == 1
""",
        server,
        tmp_path,
    )


def test_programs_run_in_a_child_and_in_its_parent(server: Server, tmp_path: Path) -> None:
    """Monty does not survive a fork: the other tier runs all programs there, and without one an error says so."""
    run(
        """
import asyncio
from reasoning.sandbox import Sandbox, shared_interpreter
interpreter = shared_interpreter(Sandbox(require_lockdown=False))
programs = {"6 * 7": 42, "import sympy\\nint(sympy.Integer(6) * 7)": 42}

def check():
    for program, value in programs.items():
        assert interpreter.run(program).value == value, interpreter.run(program)
        assert asyncio.run(interpreter.arun(program)).value == value

check()
monty = shared_interpreter(Sandbox("interpreter"))
assert monty.run("6 * 7").value == 42

def refuse():
    for _ in range(2):
        try:
            monty.run("6 * 7")
        except reasoning.errors.UsageError as error:
            assert "forked" in str(error)
        else:
            raise AssertionError

wait(in_child(refuse))
busy = threading.Thread(target=lambda: interpreter.run("while True: pass"))
busy.start()
children = [in_child(check) for _ in range(2)]
check()
wait(*children)
check()
busy.join()
begun = time.monotonic()
interpreter.close()
assert time.monotonic() - begun < 4  # no child keeps the server alive
""",
        server,
        tmp_path,
    )


def test_asynchronous_calls_work_in_a_child(server: Server, tmp_path: Path, loop: str) -> None:
    run(
        """
import asyncio
llm = connect()

async def several(*numbers):
    technique = strategies.get("vanilla")
    answers = await asyncio.gather(*(technique.arun(reasoning.Problem(f"say {k}"), llm) for k in numbers))
    assert [answer.value for answer in answers] == [str(k) for k in numbers]

asyncio.run(several(1, 2))
wait(in_child(lambda: asyncio.run(several(1, 2, 3))))
asyncio.run(several(3, 4))
""",
        server,
        tmp_path,
        loop,
    )
    assert len(server.asked) == 4


def test_a_results_folder_is_free_when_its_run_has_ended_though_a_child_lives(server: Server, tmp_path: Path) -> None:
    run(
        """
from reasoning.benchmarks import compare
from reasoning import Example, Problem

def fork_once(messages):
    if not children:
        children.append(os.fork())
        if not children[0]:
            time.sleep(60)
    return "The answer is 4."

from reasoning.testing import ScriptedLLM
children = []
examples = [Example(Problem("2 + 2?"), "4")]
out = os.path.dirname(path) + "/out"
for _ in range(2):
    compare(["vanilla"], examples, ScriptedLLM(fork_once, budget=reasoning.Budget(calls=5)), out=out, progress=False)
os.kill(children[0], signal.SIGKILL)
os.waitpid(children[0], 0)
""",
        server,
        tmp_path,
    )


def test_a_local_model_says_at_once_that_it_cannot_be_used_after_a_fork(
    server: Server, tmp_path: Path, smollm: Path
) -> None:
    run(
        f"""
def local():
    return reasoning.connect({f"local:{smollm}"!r}, journal=path, max_tokens=4)

def refuse(model):
    try:
        strategies.get("vanilla").run("say 2", model)
    except reasoning.errors.UsageError as error:
        assert "forked" in str(error)
    else:
        raise AssertionError

def child():
    assert strategies.get("vanilla").run("say 1", llm).text  # from the journal
    refuse(llm)
    refuse(local())

llm = local()
assert strategies.get("vanilla").run("say 1", llm).text
wait(in_child(child))
assert strategies.get("vanilla").run("say 2", llm).text
""",
        server,
        tmp_path,
    )
