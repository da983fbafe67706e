"""What a trace keeps, and how it draws itself."""

from __future__ import annotations

import json

from rich.console import Console

from reasoning import Chain, Problem, Prompt, Step, kinds, strategies
from reasoning.testing import ScriptedLLM
from reasoning.trace import Note, Trace

HOSTILE = "<script>alert(1)</script> [bold]not markup[/bold] \x1b[2J\u202e"


def solved() -> Trace:
    llm = ScriptedLLM([f"{HOSTILE} The answer is 4.", "The answer is 4.", "no idea", "no idea"])
    answer = strategies.get("sc(cot, samples=3)").run(Problem(f"2 + 2? {HOSTILE}", kinds.Number()), llm)
    assert answer.trace is not None
    return answer.trace


def test_json_is_an_exact_inverse() -> None:
    trace = solved()
    again = Trace.from_json(json.loads(json.dumps(trace.to_json())))
    assert again == trace
    assert again.usage == trace.usage
    assert trace.usage.calls == 4


def test_the_tree_shows_stages_calls_and_notes_as_plain_text() -> None:
    console = Console(width=100, record=True, force_terminal=False, file=None, quiet=True)
    console.print(solved().tree())
    with console.capture() as capture:
        console.quiet = False
        console.print(solved().tree())
    shown = capture.get()
    for part in ("self_consistency(cot, samples=3)", "sample 3", "reasoning", "answer",
                 "votes: 4: 2; 1 unparsed", "<script>alert(1)</script>", "[bold]not markup[/bold]"):  # fmt: skip
        assert part in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_the_notebook_escapes_everything() -> None:
    trace = solved()
    html = trace._repr_html_()
    assert "<script>" not in html
    assert html.count("<details") == html.count("</details>")
    assert "&lt;script&gt;" in html


def test_an_answer_in_a_notebook_shows_its_votes() -> None:
    llm = ScriptedLLM(["The answer is 4.", "The answer is 5.", "The answer is 4."])
    answer = strategies.get("sc(cot(stages=1), samples=3)").run(Problem("2 + 2?", kinds.Number()), llm)
    html = answer._repr_html_()
    assert "<b>4</b>" in html
    assert "confidence 67%" in html
    assert html.count('class="bar"') == 2
    failed = Chain(Step("a", Prompt(input="{q}"), returns=kinds.Json())).run("?", ScriptedLLM(["x", "y"]))
    assert "unparsed: step &#x27;a&#x27;" in failed._repr_html_()


def test_the_last_note_is_found_at_any_depth() -> None:
    trace = Trace("t", [Note("first"), Trace("a", [Trace("b", [Note("inner")])]), Trace("c")])
    assert trace.last_note == "inner"
    trace.events.append(Note("last"))
    assert trace.last_note == "last"
    assert Trace("t").last_note == ""
