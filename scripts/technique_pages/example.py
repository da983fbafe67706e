"""The part of a page that a real model made: what was asked, what it said, and whether that is right."""

from __future__ import annotations

from reasoning.answer import Answer
from reasoning.benchmarks.analysis.summary_table import many
from reasoning.engine.llm import LLM
from reasoning.version import __version__
from technique_pages import trace_markdown
from technique_pages.markdown import code, fence
from technique_pages.worked_examples import Shown

NONE = "No example was made yet.\n"


def example_part(on: Shown, llm: LLM) -> str:
    """Solve the problem with the model, and tell it. Draws that are in the model's journal cost nothing."""
    answer = on.strategy.run(on.problem, llm)
    assert answer.trace is not None
    settings = "".join(f", {name}={value}" for name, value in llm.sampling.items())
    said = list(trace_markdown.Telling(answer.trace).blocks())
    made = f"{code(repr(on.strategy))} with {code(llm.name.partition('@')[0])}{settings} (version {__version__}):"
    return "\n\n".join([made, _problem(on), *said, *_outcome(on, answer)]) + "\n"


def _problem(on: Shown) -> str:
    problem = on.problem
    given = [problem.values()["problem"], *(f"{name}: {text}" for name, text in problem.inputs.items())]
    return fence("\n\n".join(given))


def _outcome(on: Shown, answer: Answer) -> list[str]:
    usage, kind = answer.usage, on.problem.kind
    calls = many(usage.calls, "call")
    spent = f"{calls}, {usage.prompt_tokens:,} tokens in and {usage.completion_tokens:,} out"
    spent += "" if answer.confidence is None else f", confidence {answer.confidence:.0%}"
    parts = [f"**Votes:** {code(str(answer.votes))}"] if answer.votes else []
    if answer.state != "answered":
        return [*parts, f"**No answer:** {code(answer.reason)} ({spent})."]
    shown, right = kind.show(answer.value), on.right(answer.value)
    block = "\n" in shown or len(shown) > 100
    parts.append(f"**Answer** ({spent}):\n\n{fence(shown)}" if block else f"**Answer:** {code(shown)} ({spent}).")
    if right is None:
        return parts
    wanted = code(kind.show(on.target) if not isinstance(on.target, str) else on.target)
    remark = (
        "That is right."
        if right
        else f"That is wrong: {wanted} would be right. The model is small, and one problem says nothing of how good a "
        "technique is: the example shows what is asked and said."
    )
    return [*parts, remark]
