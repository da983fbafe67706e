"""A chain's picture, as SVG and as Mermaid; after a run with each step's result on it. All data is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from reasoning.answer import Answer
from reasoning.chain.layout import Point, layout
from reasoning.display import strip_control
from reasoning.kinds import Kind

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain
    from reasoning.chain.step import Step

_LETTER, _BOLD, _LINE, _WIDEST = 6.7, 8.6, 17, 34
"""The width of a letter and of a bold one, and a line's height, in pixels; letters in a line, at most."""

_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1d2733;text-anchor:middle}.name{font-weight:600;font-size:13px}"
    ".dim{fill:#5d6b7a}.on{paint-order:stroke;stroke:#fff;stroke-width:5px}.paper{fill:#fff;stroke:#d9dee4}.box{fill:#f3f6fa;stroke:#5b7fb5}.input{fill:#fff;"
    "stroke:#98a4b1}.call{fill:#f8f4ec;stroke:#b3924b}.join{fill:#f6f6f6;stroke:#8b949e}.chain{fill:#f2f0fa;"
    "stroke:#7d6bb5}.done{stroke:#2a9d5c;stroke-width:2}.wrong{stroke:#c23b3b;stroke-width:2.5}.not{opacity:.45}"
    ".line{fill:none;stroke:#7b8794;stroke-width:1.3}.dashed{stroke-dasharray:5 4}.value{fill:#1c7a45}"
    ".fault{fill:#a82c2c}"
)
_ARROW = (
    '<marker id="rsn-arrow" viewBox="0 0 8 8" refX="7.2" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#7b8794"/></marker>'
)


def edges(chain: Chain) -> list[tuple[str, str, str]]:
    """From whom each step reads: the one, the other, and the condition if there is one."""
    names = [*sorted(chain.inputs), *(step.name for step in chain.steps)]
    return [
        (name, step.name, " or ".join(step.when[name]) if name in step.when else "")
        for step in chain.steps
        for name in names
        if name in step.needs
    ]


def way(step: Step) -> str:
    """How a step is answered, in a few words."""
    if step.chain is not None:
        return "chain: " + " → ".join(inner.name for inner in step.chain.steps)
    if step.call is not None:
        return f"function {step.call.__name__}"
    if step.join:
        return "the first that was run"
    return str(step.by) if step.by else "prompt"


def marks(step: Step) -> list[str]:
    """What else is to be known of a step."""
    said = []
    if step.each:
        said.append(f"for each {step.each[0]} in {step.each[1]}")
    if step.tries > 1:
        said.append(f"until accepted, {step.tries} tries")
    if step.model:
        said.append(f"on {step.model}")
    return said


def kind_word(kind: Kind) -> str:
    """A kind in a word or two: "items", "label: good · bad", "several items"."""
    from reasoning.chain.list_kind import Each

    if isinstance(kind, Each):
        return f"a list: {kind_word(kind.of)}"
    options = getattr(kind, "options", ())
    return f"{kind.name}: {' · '.join(options)}" if options and len(options) <= 4 else kind.name


def svg(chain: Chain, answer: Answer | None = None) -> str:
    """The chain as an SVG picture.

    Args:
        chain: what is drawn.
        answer: what came of a run, if its results are to be shown.
    """
    lines = {name: [(_cut(name, bold=True), "name")] for name in sorted(chain.inputs)}
    for step in chain.steps:
        lines[step.name] = _lines(chain, step, answer)
    sizes = {
        name: (max(len(text) * _wide(style) for text, style in own) + 26, len(own) * _LINE + 14)
        for name, own in lines.items()
    }
    wired = edges(chain)
    plan = layout(sizes, [(start, end) for start, end, _ in wired])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {plan.width:.0f} {plan.height:.0f}" '
        f'width="{plan.width:.0f}" height="{plan.height:.0f}" role="img" class="rsn-chain" '
        'style="max-width:100%;height:auto" '
        f'aria-label="{_safe(f"the chain {chain.name}")}">',
        f"<style>{_scoped()}</style><defs>{_ARROW}</defs>",
        f'<rect class="paper" x=".5" y=".5" width="{plan.width - 1:.0f}" height="{plan.height - 1:.0f}" rx="8"/>',
    ]
    steps = {step.name: step for step in chain.steps}
    for name, own in lines.items():
        found = steps.get(name)
        parts.append(_box(name, own, sizes[name], plan.centres[name], found, answer))
    for start, end, condition in wired:
        dashed = " dashed" if condition else ""
        points = plan.routes[start, end]
        parts.append(f'<path class="line{dashed}" d="{_curve(points)}" marker-end="url(#rsn-arrow)"/>')
        if condition:
            (x1, y1), (x2, y2) = points[-2:]
            at = f'x="{(x1 + x2) / 2:.1f}" y="{(y1 + y2) / 2 + 4:.1f}"'
            parts.append(f'<text class="dim on" {at}>{_safe(_cut(condition))}</text>')
    return "".join([*parts, "</svg>"])


def _lines(chain: Chain, step: Step, answer: Answer | None) -> list[tuple[str, str]]:
    kind = chain.kind_of(step.name)
    said = [
        (_cut(step.name, bold=True), "name"),
        (_cut(f"{way(step)} → {kind_word(kind)}" if kind else way(step)), "dim"),
    ]
    said += [(_cut(mark), "dim") for mark in marks(step)]
    if answer is not None:
        state = _state(step, answer)
        if state == "done":
            said.append((_cut(_value(answer.steps[step.name])), "value"))
        else:
            wrong = state == "wrong"
            said.append((_cut(answer.reason.partition(": ")[2]), "fault") if wrong else ("not run", "dim"))
    return said


def _state(step: Step, answer: Answer) -> str:
    if step.name in answer.steps:
        return "done"
    about = answer.reason.partition(": ")[0]
    return "wrong" if about.startswith((f"step '{step.name}'", f"step '{step.name},")) else "not"


def _box(
    name: str,
    lines: Sequence[tuple[str, str]],
    size: tuple[float, float],
    centre: Point,
    step: Step | None,
    answer: Answer | None,
) -> str:
    (width, height), (x, y) = size, centre
    shape = "input" if step is None else next((one for one in ("call", "join", "chain") if getattr(step, one)), "box")
    state = "" if step is None or answer is None else f" {_state(step, answer)}"
    corner = height / 2 if step is None else 7
    outline = f'width="{width:.1f}" height="{height:.1f}" rx="{corner:.1f}"'
    behind = ""
    if step is not None and step.each:  # a pile of boxes
        behind = f'<rect class="{shape}" x="{x - width / 2 + 5:.1f}" y="{y - height / 2 - 5:.1f}" {outline}/>'
    if step is not None and step.chain is not None:
        inner = f'width="{width - 6:.1f}" height="{height - 6:.1f}" rx="5"'
        behind += f'<rect class="{shape}" x="{x - width / 2 + 3:.1f}" y="{y - height / 2 + 3:.1f}" {inner}/>'
    box = f'<rect class="{shape}{state}" x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" {outline}/>'
    top = y - len(lines) * _LINE / 2 + 12.5
    texts = "".join(
        f'<text class="{style}" x="{x:.1f}" y="{top + k * _LINE:.1f}">{_safe(text)}</text>'
        for k, (text, style) in enumerate(lines)
    )
    value = answer.steps.get(name) if answer is not None and step is not None else None
    title = f"<title>{_safe(_value(value)[:2000])}</title>" if value is not None else ""
    stacked = f"{box}{behind}" if step is not None and step.chain is not None else f"{behind}{box}"
    return f"<g{' class=not' * 0}>{title}{stacked}{texts}</g>"


def _curve(points: Sequence[Point]) -> str:
    """A smooth line through points, each piece leaving and arriving straight down."""
    path = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for (x1, y1), (x2, y2) in pairwise(points):
        middle = (y1 + y2) / 2
        path.append(f"C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}")
    return "".join(path)


def _scoped() -> str:
    """The style for this picture alone: it may stand in a page with others."""
    rules = (rule for rule in _STYLE.split("}") if rule)
    return "".join(f".rsn-chain {rule}}}" for rule in rules)


def _value(value: Any) -> str:
    if isinstance(value, str | bool):
        return value if isinstance(value, str) else ("no", "yes")[value]
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_value(one)}" for key, one in value.items()) or "nothing"
    return "; ".join(map(_value, value)) or "nothing" if isinstance(value, list | tuple) else str(value)


def _wide(style: str) -> float:
    return _BOLD if style == "name" else _LETTER


def _cut(text: str, *, bold: bool = False) -> str:
    text, most = " ".join(text.split()), int(_WIDEST * _LETTER / _BOLD) if bold else _WIDEST
    return text if len(text) <= most else text[: most - 1] + "…"


def _safe(text: str) -> str:
    return escape(strip_control(text))


def mermaid(chain: Chain) -> str:
    """The chain as a Mermaid flowchart, which many sites draw from Markdown."""

    def said(*lines: str) -> str:
        return '"' + "<br>".join(_safe(_cut(line)).replace("&quot;", "#quot;") for line in lines) + '"'

    rows = ["flowchart TD"]
    rows += [f"  in_{name}([{said(name)}])" for name in sorted(chain.inputs)]
    for step in chain.steps:
        kind = chain.kind_of(step.name)
        label = said(step.name, f"{way(step)} → {kind_word(kind)}" if kind else way(step), *marks(step))
        opening, closing = ("[[", "]]") if step.chain else ("{{", "}}") if step.join else ("[", "]")
        rows.append(f"  s_{step.name}{opening}{label}{closing}")
    for start, end, condition in edges(chain):
        origin = f"in_{start}" if start in chain.inputs else f"s_{start}"
        rows.append(f"  {origin} {f'-. {said(condition)} .->' if condition else '-->'} s_{end}")
    return "\n".join(rows) + "\n"
