"""Demonstrations made of evaluations: replies that were right, and examples with their targets."""

from __future__ import annotations

from reasoning.answer import Answered
from reasoning.errors import UsageError
from reasoning.messages import Completion
from reasoning.problem import Example, accepted_answers
from reasoning.prompts import Demonstration
from reasoning.text_safety import strip_control
from reasoning.token_estimate import estimate_tokens
from reasoning.tuning.prompts.evaluation import Evaluation
from reasoning.tuning.prompts.pools import Item

_MAX_TOKENS = 600
"""The longest demonstration. A few long ones would fill the context of a small model."""


def demonstrations_of(evaluation: Evaluation) -> dict[str, Demonstration]:
    """Return what a solved example shows for each prompt: its input, and the reply that was right.

    Of several replies to one prompt, such as those of a vote, the first that states the right answer is taken, else
    the first one.
    """
    shown: dict[str, Demonstration] = {}
    for call in evaluation.trace.calls() if evaluation.trace else ():
        fill = next((fill for fill in evaluation.fills if fill.messages == call.messages), None)
        if fill is None or fill.name in shown:
            continue
        whole = [reply for reply in call.completions if reply.text.strip() and not reply.truncated]
        reply = next((reply for reply in whole if _is_right(reply, evaluation.item)), next(iter(whole), None))
        if reply is not None:
            demonstration = Demonstration(_clean(fill.input), _clean(reply.text))
            if estimate_tokens(demonstration.input + demonstration.output) <= _MAX_TOKENS:
                shown[fill.name] = demonstration
    return shown


def _clean(text: str) -> str:
    """Return a text without control characters, in the form in which a prompt's file keeps it."""
    return strip_control(text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _is_right(reply: Completion, item: Item) -> bool:
    if not isinstance(item.content, Example):
        return False
    parsed = item.content.problem.parse(reply)
    return isinstance(parsed, Answered) and item.content.score(parsed.value)


def labelled(evaluation: Evaluation, prompt: str) -> Demonstration | None:
    """Return the example of an evaluation with its target as the reply; None if its prompt cannot show it.

    Args:
        evaluation: an evaluation of the original with recorded prompts.
        prompt: the name of the only prompt of the strategy.
    """
    example = evaluation.item.content
    fill = next((fill for fill in evaluation.fills if fill.name == prompt), None)
    if fill is None or not isinstance(example, Example):
        return None
    kind = example.problem.kind
    try:
        shown = kind.show(kind.target(accepted_answers(example.target)[0]))
    except (UsageError, TypeError, ValueError):
        # The target of a puzzle with many solutions is a description of them.
        return None
    # As the prompt asks for it.
    is_bare = any(kind.direct_instruction() in turn.content for turn in fill.messages)
    answer = shown if is_bare else f"The answer is {shown}."
    parsed = example.problem.parse(answer)
    return (
        Demonstration(_clean(fill.input), answer)
        if isinstance(parsed, Answered) and example.score(parsed.value)
        else None
    )
