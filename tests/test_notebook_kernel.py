"""What a notebook shows while a cell runs and when it is interrupted, in the kernel that JupyterLab uses."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import reasoning
from reasoning import Example, Problem, kinds
from reasoning.notebook import in_notebook, running_cell
from reasoning.testing import ScriptedLLM

ROOT = Path(reasoning.__file__).parent.parent
SETUP = """
import asyncio
import reasoning as r
from reasoning import Answer, Example, Problem, Session, Strategy, kinds, technique
from reasoning.testing import ScriptedLLM

@technique(title="Slow", calls="1")
class Slow(Strategy):
    "Answer after a while."
    async def solve(self, problem, session):
        reply = await session.ask(problem.question)
        await asyncio.sleep(0.2)
        return problem.parse(reply)

examples = [Example(Problem(f"{k} + {k}?", kinds.Number()), 2 * k) for k in range(8)]
problems = [example.problem for example in examples]
llm = ScriptedLLM(lambda messages: "The answer is 2.")
"""
Message = dict[str, Any]
Run = Callable[..., tuple[list[Message], str]]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Return a function that runs a cell, and returns its outputs and its state; it may press the stop button."""
    manager = pytest.importorskip("jupyter_client.manager")
    pytest.importorskip("ipykernel")
    kernel, client = manager.start_new_kernel(env={**os.environ, "PYTHONPATH": str(ROOT)})

    def run_cell(code: str, stop_at: str = "") -> tuple[list[Message], str]:
        sent, outputs = client.execute(code), []
        while True:
            message = client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != sent:
                continue
            content = message["content"]
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                break
            if message["msg_type"] in ("display_data", "update_display_data", "execute_result", "stream", "error"):
                outputs.append({"type": message["msg_type"], **content})
                if stop_at and stop_at in str(content):
                    kernel.interrupt_kernel()
                    stop_at = ""
        while (reply := client.get_shell_msg(timeout=60))["parent_header"].get("msg_id") != sent:
            continue
        return outputs, reply["content"]["status"]

    assert run_cell(SETUP)[1] == "ok"
    yield run_cell
    client.stop_channels()
    kernel.shutdown_kernel(now=True)


def html(output: Message) -> str:
    return str(output["data"]["text/html"])


def test_the_table_grows_and_becomes_the_final_table_once(run: Run) -> None:
    outputs, state = run("result = r.benchmarks.compare([Slow()], examples, llm, concurrency=1)\nresult")
    assert state == "ok"
    first, *updates = outputs
    assert first["type"] == "display_data"
    assert {output["type"] for output in updates} == {"update_display_data"}
    assert len({output["transient"]["display_id"] for output in outputs}) == 1
    assert 'max="8"' in html(first)
    counts = [html(output).partition('value="')[2].partition('"')[0] for output in outputs[:-1]]
    assert counts == sorted(counts)
    assert "prompt tokens" in html(outputs[-1])
    assert "| strategy | accuracy |" in outputs[-1]["data"]["text/plain"]
    again, _ = run("result")
    assert [output["type"] for output in again] == ["display_data"]


def test_a_table_as_text_is_returned_and_not_displayed(run: Run) -> None:
    outputs, _ = run("from reasoning.tables import Table, render_text\nrender_text(Table(('name',), [('one',)]))")
    assert [output["type"] for output in outputs] == ["execute_result"]
    assert "one" in outputs[0]["data"]["text/plain"]


def test_progress_false_shows_the_table_only(run: Run) -> None:
    outputs, _ = run("r.benchmarks.compare([Slow()], examples, llm, concurrency=1, progress=False)")
    assert [output["type"] for output in outputs] == ["display_data"]


def test_map_has_a_bar_that_disappears(run: Run) -> None:
    outputs, _ = run("answers = Slow().map(problems, llm, concurrency=1)")
    assert 'max="8"' in html(outputs[0])
    assert html(outputs[-1]) == outputs[-1]["data"]["text/plain"] == ""
    assert run("answers = r.strategies.get('vanilla').map(problems, llm)")[0] == []


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("r.benchmarks.compare([Slow()], many, llm, concurrency=1)", "of 72 results"),
        ("Slow().map([one.problem for one in many], llm, concurrency=1)", "stopped;"),
    ],
)
def test_the_stop_button_ends_the_cell_with_one_line(run: Run, cell: str, said: str) -> None:
    run("many = [Example(Problem(f'{k}?', kinds.Number()), k) for k in range(72)]")
    started = time.monotonic()
    outputs, state = run(cell, stop_at="<progress")
    assert state == "error"
    assert time.monotonic() - started < 30
    error = next(output for output in outputs if output["type"] == "error")
    assert error["ename"] == "Interrupted"
    [line] = error["traceback"]
    assert line.startswith("KeyboardInterrupt: stopped")
    assert said in line
    assert "run the cell again" in line
    assert run("isinstance(1, int)")[1] == "ok"


def test_what_an_interrupt_kept_costs_nothing_again(run: Run) -> None:
    run("counted = ScriptedLLM(lambda messages: 'The answer is 2.')")
    run("Slow().map(problems, counted, concurrency=1)", stop_at="<progress")
    run("answers = Slow().map(problems, counted, concurrency=1)")
    outputs, _ = run("print(counted.calls)")
    assert outputs[-1]["text"] == "8\n"


def test_outside_of_a_notebook_and_a_terminal_nothing_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    examples = [Example(Problem("1 + 1?", kinds.Number()), 2)]
    llm = ScriptedLLM(lambda messages: "The answer is 2.")
    reasoning.benchmarks.compare(["vanilla"], examples, llm)
    assert not in_notebook()
    assert running_cell() is None
    assert capfd.readouterr() == ("", "")
