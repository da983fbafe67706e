"""The Mermaid diagram of a chain, with the results of a run if there are any.

GitHub, JupyterLab (from 4.1 on) and MkDocs draw Mermaid. All names and values are escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reasoning.answer import Answer
from reasoning.chain.list_kind import ListOf
from reasoning.chain.step import Step
from reasoning.kinds import Kind
from reasoning.tables import escape_html

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain

MAX_LINE = 34
"""The most characters of one line of a node's label; longer lines are cut."""
_CLASSES = (
    "  classDef answered stroke:#2a9d5c,stroke-width:2px",
    "  classDef failed stroke:#c23b3b,stroke-width:2px",
    "  classDef skipped opacity:0.45",
)


class Diagram(str):
    """The Mermaid source of a diagram; a notebook draws it."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/vnd.mermaid": str(self), "text/markdown": self.to_markdown()}

    def to_markdown(self) -> str:
        """Return the diagram as a fenced block of Markdown."""
        return f"```mermaid\n{self}```\n"


def mermaid(chain: Chain, answer: Answer | None = None) -> Diagram:
    """Return the flowchart of a chain.

    Args:
        chain: the chain.
        answer: an answer of this chain; each step then shows its result.
    """
    rows = ["flowchart TD"]
    rows += [f"  in_{name}([{_label(name)}])" for name in sorted(chain.input_names)]
    for step in chain.steps:
        kind = chain.kind_of(step.name)
        source = describe_source(step)
        lines = [step.name, f"{source} → {kind_label(kind)}" if kind else source, *describe_options(step)]
        state = ""
        if answer is not None:
            state, result = _result(step, answer)
            lines.append(result)
        opening, closing = ("[[", "]]") if step.chain else ("{{", "}}") if step.first_of else ("[", "]")
        rows.append(f"  s_{step.name}{opening}{_label(*lines)}{closing}{f':::{state}' if state else ''}")
    for start, end, condition in edges(chain):
        origin = f"in_{start}" if start in chain.input_names else f"s_{start}"
        rows.append(f"  {origin} {f'-. {_label(condition)} .->' if condition else '-->'} s_{end}")
    return Diagram("\n".join([*rows, *(_CLASSES if answer is not None else ())]) + "\n")


def outline(chain: Chain) -> str:
    """Return a chain as text: its name and inputs, and a line for each step.

    Examples:
        >>> from reasoning import Chain, Prompt, Step, kinds
        >>> words = Step("words", Prompt(input="{text}"), returns=kinds.Items())
        >>> print(Chain(words, Step("best", Prompt(input="{words}"))))
        chain(text)
          words: prompt → items, reads text
          best: prompt → text, reads words
    """
    rows = [f"{chain.name}({', '.join(sorted(chain.input_names))})"]
    for step in chain.steps:
        kind = chain.kind_of(step.name)
        source = f"{describe_source(step)} → {kind_label(kind)}" if kind else describe_source(step)
        reads = [f"reads {', '.join(sorted(step.dependencies))}"] if step.dependencies else []
        rows.append(f"  {step.name}: {', '.join([source, *describe_options(step), *reads])}")
    return "\n".join(rows)


def edges(chain: Chain) -> list[tuple[str, str, str]]:
    """List the edges of a chain's graph: the name that is read, the step that reads it, and the step's condition."""
    names = [*sorted(chain.input_names), *(step.name for step in chain.steps)]
    return [
        (name, step.name, " or ".join(step.only_if[name]) if name in step.only_if else "")
        for step in chain.steps
        for name in names
        if name in step.dependencies
    ]


def describe_source(step: Step) -> str:
    """Return a short description of a step's source: "prompt", "function merge", a strategy's spec, "chain: a → b"."""
    if step.chain is not None:
        return "chain: " + " → ".join(inner.name for inner in step.chain.steps)
    if step.function is not None:
        return f"function {step.function.__name__}"
    if step.first_of:
        return f"first of {', '.join(step.first_of)}"
    return str(step.strategy) if step.strategy else "prompt"


def describe_options(step: Step) -> list[str]:
    """List a step's other settings in short descriptions: its loop, its attempts, the form of its reply, its model."""
    options = []
    if step.loop:
        options.append(f"for each {step.loop[0]} in {step.loop[1]}")
    if step.max_attempts > 1:
        options.append(f"up to {step.max_attempts} attempts")
    if step.structured:
        options.append("in JSON")
    if step.model:
        options.append(f"on {step.model}")
    return options


def kind_label(kind: Kind) -> str:
    """Return a short name of a kind: "items", "label: good · bad", "a list: number"."""
    if isinstance(kind, ListOf):
        return f"a list: {kind_label(kind.of)}"
    options = getattr(kind, "options", ())
    return f"{kind.name}: {' · '.join(options)}" if options and len(options) <= 4 else kind.name


def _result(step: Step, answer: Answer) -> tuple[str, str]:
    """Return the class and the text of a step's result."""
    if step.name in answer.steps:
        return "answered", _show(answer.steps[step.name])
    step_name, _, reason = answer.reason.partition(": ")
    if step_name.startswith((f"step '{step.name}'", f"step '{step.name},")):
        return "failed", reason
    return "skipped", "not run"


def _show(value: Any) -> str:
    if isinstance(value, str | bool):
        return value if isinstance(value, str) else ("no", "yes")[value]
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_show(item)}" for key, item in value.items()) or "nothing"
    return "; ".join(map(_show, value)) or "nothing" if isinstance(value, list | tuple) else str(value)


def _label(*lines: str) -> str:
    return '"' + "<br>".join(escape_html(_cut(line)).replace("&quot;", "#quot;") for line in lines) + '"'


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…"
