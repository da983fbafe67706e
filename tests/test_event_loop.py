"""Synchronous calls, from scripts, threads, notebooks and the loop itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reasoning import Answer, Problem, Session, Strategy, event_loop, technique
from reasoning.errors import UsageError
from reasoning.testing import ScriptedLLM


@technique(title="Echo", calls="1")
class Echo(Strategy):
    """Ask once."""

    async def solve(self, problem: Problem, session: Session) -> Answer:
        return problem.parse(await session.ask(problem.question))


def llm(latency: float = 0.0) -> ScriptedLLM:
    return ScriptedLLM(lambda messages: "The answer is yes.", latency=latency)


def test_from_a_script_and_from_threads() -> None:
    assert Echo().run("why?", llm()).value == "yes"
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda i: Echo().run(f"{i}?", llm(0.01)).value, range(16)))
    assert values == ["yes"] * 16


async def blocking() -> tuple[object, object]:
    with llm() as model:
        return Echo().run("why?", model).value, (await Echo().arun("why?", model)).value


def test_in_the_loop_of_an_application_a_synchronous_call_works_and_warns_that_it_blocks() -> None:
    with pytest.warns(RuntimeWarning, match=r"blocks the running event loop .* such as arun\(\)") as warned:
        assert asyncio.run(blocking()) == ("yes", "yes")
    [warning] = warned
    assert warning.filename == __file__


def test_in_a_notebook_where_a_loop_always_runs_it_does_not_warn(monkeypatch: pytest.MonkeyPatch) -> None:
    # IPython is no dependency; this is all that is asked of it.
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=object))
    assert asyncio.run(blocking()) == ("yes", "yes")


def test_in_an_application_that_has_only_imported_ipython_it_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: None))
    with pytest.warns(RuntimeWarning, match="blocks"):
        asyncio.run(blocking())


def test_one_model_serves_several_loops_one_after_the_other() -> None:
    shared = llm(0.001)
    for _ in range(3):
        assert asyncio.run(Echo().arun("why?", shared)).value == "yes"
    assert shared.calls == 1


def test_the_door_from_inside_is_refused_and_not_a_deadlock() -> None:
    async def inside() -> None:
        Echo().run("why?", llm())

    with pytest.raises(UsageError, match="await the asynchronous method"):
        event_loop.run_sync(inside())


def test_ctrl_c_ends_at_once_and_a_later_call_works(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, time\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from reasoning.testing import ScriptedLLM\n"
        "from test_event_loop import Echo, llm\n"
        "try:\n"
        "    print('asking', flush=True)\n"
        "    Echo().run('why?', llm(60))\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped', Echo().run('why?', llm()).value, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "asking\n"
    time.sleep(0.3)
    started = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - started < 20  # an answer takes 60
    assert (out, err, process.returncode) == ("stopped yes\n", "", 0)
