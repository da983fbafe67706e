"""A chain of three steps in a folder, its cases, and a model that does what it is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

CHAIN = """name = "notes"

[inputs]
note = "text"

[[step]]
name = "points"
reads = ["note"]
prompt = "points.md"
returns = { kind = "items", empty = "none" }

[[step]]
name = "tone"
reads = ["points"]
prompt = "tone.md"
returns = { kind = "label", options = ["good", "bad"] }

[[step]]
name = "reply"
reads = ["tone"]
prompt = "reply.md"
returns = { kind = "text", whole = true }
"""
PROMPTS = {"points.md": "Note: {note}", "tone.md": "Points: {points}", "reply.md": "Tone: {tone}"}

CASES = """about = "two notes"

[[check]]
on = "points"
similarity = "items"

[[case]]
id = "late"
input = "It came late and wet."
gold = { points = ["came late", "came wet"], tone = "bad" }
[[case.check]]
contains = "sorry"
[[case.check]]
lacks = "Lucky"

[[case]]
id = "fine"
input = "All fine."
gold = { points = ["all fine"], tone = "good" }
[[case.check]]
contains_any = ["glad", "happy"]

[[case]]
id = "tone-alone"
step = "tone"
input = ["came late"]
expected = "bad"
"""


def write(folder: Path, cases: str = CASES, **more: str) -> Path:
    """The folder; `scores="…"` is a file `scores.py`."""
    (folder / "tests").mkdir(parents=True)
    (folder / "chain.toml").write_text(CHAIN)
    for name, text in PROMPTS.items():
        (folder / name).write_text(f"# Input\n\n{text}\n")
    (folder / "tests" / "notes.toml").write_text(cases)
    for name, text in more.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def said(prompt: str) -> str:
    """What the model says: it hears no second point, and so thinks that all is good, unless it is told of two."""
    if "Note: " in prompt:
        return "all fine" if "fine" in prompt else "came late"
    if "Points: " in prompt:
        return "bad" if "; " in prompt else "good"
    return "We are sorry." if "bad" in prompt else "We are glad."


def script(answer: Callable[[str], str] = said) -> Callable[..., str]:
    """For `ScriptedLLM`."""
    return lambda messages: answer(messages[-1].content)
