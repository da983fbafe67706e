"""What `ask` shows while it waits for a model."""

from __future__ import annotations

from rich.console import Console

from reasoning.cli.progress import _Thinking
from reasoning.testing import ScriptedLLM


def shown(llm: ScriptedLLM) -> str:
    console = Console(width=200)
    with console.capture() as said:
        console.print(_Thinking(llm))
    return said.get().strip()


def test_what_keeps_a_model_from_answering_is_said() -> None:
    llm = ScriptedLLM(["4"])
    assert shown(llm) == "scripted: thinking"
    llm.retries = 1200
    llm.limits._hold(60)
    assert shown(llm).startswith("scripted: thinking · 1,200 retried · the provider asks to wait ")
