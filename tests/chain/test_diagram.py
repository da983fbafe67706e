"""The Mermaid diagram of a chain: it is well formed, and data stays data."""

from __future__ import annotations

import re

from reasoning import Chain, Prompt, Step, kinds
from reasoning.testing import ScriptedLLM
from tests.chain.test_thirty import thirty

MOOD = Step("mood", Prompt(input="{text}"), returns=kinds.Label(("a<b", '"c"')))
CHAIN = Chain(
    MOOD,
    Step("reply", Prompt(input="{text}"), only_if={"mood": "a<b"}),
    Step("each", Prompt(input="{one}"), for_each="one in text", strategy="cot", model="local"),
    Step("end", Prompt(input="{reply} {each}")),
    name="<script>alert(1)</script>",
)
LINE = re.compile(
    r'  \w+(?:[\[({]+"[^"]*"[\])}]+(?::::\w+)?| (?:-->|-\. "[^"]*" \.->) \w+)|  classDef [\w:#.,-]+ [\w:#.,-]+'
)


def test_the_diagram_is_well_formed_and_escaped() -> None:
    for chain in (CHAIN, thirty()):
        text = chain.diagram()
        assert text.startswith("flowchart TD\n")
        assert all(f"  s_{step.name}" in text for step in chain.steps)
        for line in text.splitlines()[1:]:
            assert LINE.fullmatch(line), line
    text = CHAIN.diagram()
    assert "<script" not in text
    assert '  s_mood -. "a&lt;b" .-> s_reply' in text
    assert '  in_text(["text"])' in text
    assert "for each one in text" in text


def test_a_long_name_is_cut() -> None:
    text = Chain(Step("n" * 60, Prompt(input="{a}"))).diagram()
    assert f'["{"n" * 33}…<br>' in text


def test_a_notebook_gets_the_diagram_as_mermaid_and_markdown() -> None:
    bundle = CHAIN._repr_mimebundle_()
    assert bundle == CHAIN.diagram()._repr_mimebundle_()
    assert bundle["text/vnd.mermaid"] == bundle["text/plain"] == CHAIN.diagram()
    assert bundle["text/markdown"] == f"```mermaid\n{CHAIN.diagram()}```\n"


def test_after_a_run_the_results_are_on_it() -> None:
    chain = Chain(
        Step("first", Prompt(input="{q}")),
        Step("second", Prompt(input="{first}"), returns=kinds.Number(), max_repairs=0),
        Step("third", Prompt(input="{second}")),
    )
    answer = chain.run("?", ScriptedLLM(["<b>fine</b>", "nothing"]))
    text = chain.diagram(answer)
    assert "&lt;b&gt;fine&lt;/b&gt;" in text
    assert "<b>" not in text
    assert [text.count(f":::{state}\n") for state in ("answered", "failed", "skipped")] == [1, 1, 1]
    assert "not run" in text
    assert all(LINE.fullmatch(line) for line in text.splitlines()[1:])
