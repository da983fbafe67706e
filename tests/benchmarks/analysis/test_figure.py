"""The picture of a comparison in a notebook."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from reasoning.benchmarks import compare
from reasoning.benchmarks.analysis.figure import accuracy_figure
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.messages import Usage
from reasoning.testing import ScriptedLLM

SVG = "{http://www.w3.org/2000/svg}"


def row(spec: str, correct: int, n: int, best: bool = False) -> StrategySummary:
    return StrategySummary(spec, n, correct, 0, 0, Usage(), (0.25, 0.75), best)


def test_dots_lie_on_their_intervals_and_names_are_escaped() -> None:
    root = ElementTree.fromstring(
        accuracy_figure([row("cot(trigger='<b>')", 5, 10), row("vanilla", 10, 10, best=True)])
    )
    dots = [float(dot.attrib["cx"]) for dot in root.iter(f"{SVG}circle")]
    [low, high] = sorted(
        float(end) for mark in [*root.iter(f"{SVG}g")][:1] for line in mark.iter(f"{SVG}line")
        for end in (line.attrib["x1"], line.attrib["x2"])
    )  # fmt: skip
    assert low < dots[0] < high
    assert abs((low + high) / 2 - dots[0]) < 0.2  # 50 % is half way from 25 to 75
    assert dots[1] > high
    assert "cot(trigger='<b>')" in [title.text for title in root.iter(f"{SVG}title")]
    assert {dot.attrib["fill"] for dot in root.iter(f"{SVG}circle")} == {"currentColor", "#2a9d5c"}


def test_nothing_that_counts_is_no_picture() -> None:
    assert accuracy_figure([row("cot", 0, 0)]) == ""


def test_a_notebook_shows_it_with_the_table(sums: Any, adds: Callable[..., Any]) -> None:
    html = compare(["vanilla", "cot"], sums(4), ScriptedLLM(adds(1)), progress=False)._repr_html_()
    assert len(re.findall("<circle", html)) == 2
    assert html.index("</table>") < html.index("<svg") < html.index("Best:")
