"""Pictures of a chain: nothing overlaps, every line runs downward, data stays data."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from reasoning import Chain, Prompt, Step, kinds
from reasoning.chain.diagram import mermaid, svg
from reasoning.chain.layout import layout
from reasoning.testing import ScriptedLLM
from tests.chain.test_thirty import thirty

MOOD = Step("mood", Prompt(input="{text}"), returns=kinds.Label(("a<b", '"c"')))
CHAIN = Chain(
    MOOD,
    Step("reply", Prompt(input="{text}"), when={"mood": "a<b"}),
    Step("each", Prompt(input="{one}"), for_each="one in text", by="cot", model="local"),
    Step("end", Prompt(input="{reply} {each}")),
    name="<script>alert(1)</script>",
)


@st.composite
def graphs(draw: Callable[..., Any]) -> tuple[dict[str, tuple[float, float]], list[tuple[str, str]]]:
    names = [f"n{k}" for k in range(draw(st.integers(1, 12)))]
    pairs = list(itertools.combinations(names, 2))
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=25)) if pairs else []
    return {name: (draw(st.integers(20, 200)), draw(st.integers(20, 80))) for name in names}, edges


@given(graphs())
def test_boxes_do_not_touch_and_lines_run_downward(
    graph: tuple[dict[str, tuple[float, float]], list[tuple[str, str]]],
) -> None:
    sizes, edges = graph
    plan = layout(sizes, edges)
    for one, other in itertools.combinations(sizes, 2):
        (x1, y1), (x2, y2) = plan.centres[one], plan.centres[other]
        across, down = (sizes[one][0] + sizes[other][0]) / 2, (sizes[one][1] + sizes[other][1]) / 2
        assert abs(x1 - x2) >= across + 1 or abs(y1 - y2) >= down + 1
    for name, (width, height) in sizes.items():
        x, y = plan.centres[name]
        assert width / 2 <= x <= plan.width - width / 2
        assert height / 2 <= y <= plan.height - height / 2
    for edge in edges:
        heights = [y for _, y in plan.routes[edge]]
        assert heights == sorted(heights)
        assert heights[0] < heights[-1]


def test_a_line_that_passes_a_layer_goes_between_its_boxes() -> None:
    sizes = {"a": (60.0, 30.0), "b": (90.0, 60.0), "c": (60.0, 30.0)}
    plan = layout(sizes, [("a", "b"), ("b", "c"), ("a", "c")])
    passed = plan.routes["a", "c"][1:3]
    assert all(abs(x - plan.centres["b"][0]) > 45 for x, _ in passed)
    assert passed[1][1] - passed[0][1] >= 60


def test_the_picture_is_well_formed_and_escaped() -> None:
    for chain in (CHAIN, thirty()):
        root = ElementTree.fromstring(svg(chain))
        texts = ["".join(one.itertext()) for one in root.iter() if one.tag.endswith("}text")]
        assert all(step.name in texts for step in chain.steps)
    drawn = svg(CHAIN)
    assert "<script" not in drawn
    assert "a&lt;b" in drawn
    assert "for each one in text" in drawn
    assert chain_html(CHAIN) == drawn


def test_names_fit_into_their_boxes() -> None:
    """Widths in 13 px of DejaVu Sans Bold, which is a wide font: 131.7 px, and 9.3 px for each n."""
    chain = Chain(Step("recommendations", Prompt(input="{a}")), Step("n" * 60, Prompt(input="{recommendations}")))
    root = ElementTree.fromstring(svg(chain))
    assert "max-width:100%" in root.attrib["style"]
    widths = {}
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        box, name = next(one for one in group if one.tag.endswith("rect")), group.find("*[@class='name']")
        assert name is not None
        widths["".join(name.itertext())] = float(box.attrib["width"])
    assert widths["recommendations"] > 131.7 + 10
    cut = next(name for name in widths if name.endswith("…"))
    assert len(cut) * 9.3 < widths[cut] < 270


def chain_html(chain: Chain) -> str:
    return chain._repr_html_()


def test_after_a_run_the_results_are_on_it() -> None:
    chain = Chain(
        Step("first", Prompt(input="{q}")),
        Step("second", Prompt(input="{first}"), returns=kinds.Number(), repairs=0),
        Step("third", Prompt(input="{second}")),
    )
    answer = chain.run("?", ScriptedLLM(["<b>fine</b>", "nothing"]))
    for picture in (chain.drawn(answer), answer._repr_html_()):
        assert "&lt;b&gt;fine&lt;/b&gt;" in picture
        assert "<b>fine" not in picture.replace("<b>unparsed", "")
        assert picture.count('class="box wrong"') == 1
        assert picture.count('class="box done"') == 1
        assert "not run" in picture


def test_mermaid() -> None:
    text = mermaid(CHAIN)
    assert text.startswith("flowchart TD\n")
    assert '  s_mood -. "a&lt;b" .-> s_reply' in text
    assert '  in_text(["text"])' in text
    for line in text.splitlines()[1:]:
        assert re.fullmatch(r'  \w+(?:[\[({]+"[^"]*"[\])}]+| (?:-->|-\. "[^"]*" \.->) \w+)', line), line
