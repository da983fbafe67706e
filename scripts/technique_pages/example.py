"""Examples on a real model: the problem, the replies, and whether the answer is right."""

from __future__ import annotations

from reasoning.answer import Answer
from reasoning.engine.llm import LLM
from reasoning.tables import pluralize
from reasoning.version import __version__
from technique_pages import trace_markdown
from technique_pages.markdown import code, fence
from technique_pages.worked_examples import ExampleSolve

NONE = "No example yet.\n"


def example_part(shown_on: ExampleSolve, llm: LLM) -> str:
    """Solve the problem with the model and describe the solve; draws in the model's journal cost nothing."""
    answer = shown_on.strategy.run(shown_on.problem, llm)
    assert answer.trace is not None
    settings = "".join(f", {name}={value}" for name, value in llm.sampling.items())
    blocks = list(trace_markdown.TraceBlocks(answer.trace).blocks())
    caption = (
        f"{code(repr(shown_on.strategy))} with {code(llm.name.partition('@')[0])}{settings} (version {__version__}):"
    )
    return "\n\n".join([caption, _problem(shown_on), *blocks, *_outcome(shown_on, answer)]) + "\n"


def _problem(shown_on: ExampleSolve) -> str:
    problem = shown_on.problem
    parts = [problem.values()["problem"], *(f"{name}: {text}" for name, text in problem.inputs.items())]
    return fence("\n\n".join(parts))


def _outcome(shown_on: ExampleSolve, answer: Answer) -> list[str]:
    usage, kind = answer.usage, shown_on.problem.kind
    calls = pluralize(usage.calls, "call")
    spent = f"{calls}, {usage.prompt_tokens:,} prompt tokens, {usage.completion_tokens:,} completion tokens"
    spent += "" if answer.confidence is None else f", confidence {answer.confidence:.0%}"
    parts = [f"**Votes:** {code(str(answer.votes))}"] if answer.votes else []
    if answer.state != "answered":
        return [*parts, f"**No answer:** {code(answer.reason)} ({spent})."]
    text, is_right = kind.show(answer.value), shown_on.right(answer.value)
    block = "\n" in text or len(text) > 100
    parts.append(f"**Answer** ({spent}):\n\n{fence(text)}" if block else f"**Answer:** {code(text)} ({spent}).")
    if is_right is None:
        return parts
    target = code(kind.show(shown_on.target) if not isinstance(shown_on.target, str) else shown_on.target)
    remark = (
        "The answer is right."
        if is_right
        else f"The answer is wrong; {target} is right. The model is small, and one problem does not measure a "
        "technique: the example shows what is sent and replied."
    )
    return [*parts, remark]
