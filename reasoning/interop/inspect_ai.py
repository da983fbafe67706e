"""Strategies and chains as solvers of inspect_ai.

    from inspect_ai import Task
    from reasoning.interop.inspect_ai import solve_with

    Task(dataset=…, solver=solve_with("self_consistency(cot, samples=5)", kind="number"), scorer=match(numeric=True))

The model is that of the evaluation, so every call is in the transcript, and limits, epochs, retries, caches and
connections are those of inspect_ai. It counts the usage; nothing is recorded in a journal.
"""

from __future__ import annotations

from typing import Any

from reasoning import registry
from reasoning.answer import Answer, Answered, Failed
from reasoning.chain.chain import Chain
from reasoning.errors import CallFailed, MissingExtra, UsageError
from reasoning.kinds import Kind, Text
from reasoning.kinds.registry import from_json
from reasoning.problem import Problem
from reasoning.strategy import Strategy

try:
    from inspect_ai.log import transcript
    from inspect_ai.model import ModelOutput, get_model
    from inspect_ai.solver import Generate, Solver, TaskState, solver
except ImportError as _error:
    raise MissingExtra("a strategy as a solver of inspect_ai", "inspect", f"inspect_ai ({_error})") from None

from reasoning.interop.inspect_client import open_calls
from reasoning.interop.inspect_problem import mark_choices, to_problem


@solver  # type: ignore[untyped-decorator]
def solve_with(
    strategy: str | list[Any],
    kind: str | dict[str, Any] | None = None,
    completion: str = "{answer}",
    allow_code: bool = False,
) -> Solver:
    """Return a solver that answers a sample with a strategy.

    The question is the last user turn of the sample; the turns before it, such as a system message, go before every
    prompt of the technique. Choices of the sample make a choice of options, and are marked for the scorer `choice`.
    The answer becomes the completion of the sample; without one, the completion is empty, and the metadata of the
    sample says why, under "reasoning".

    Args:
        strategy: a spec such as "self_consistency(cot, samples=5)", or "chain:FOLDER". A list is joined by commas,
            since the command line of inspect_ai splits arguments there.
        kind: the kind of answer: a word, or an object with its parameters; by default a choice for samples with
            choices, else a text. The last step of a chain says its kind.
        completion: the text of the completion, in which {answer} stands for the answer, as in "ANSWER: {answer}".
        allow_code: import the functions that a chain's steps name.

    Raises:
        UsageError: the strategy or the kind is unknown, a chain has a kind, or the strategy must learn from
            examples first.
    """
    spec = strategy if isinstance(strategy, str) else ",".join(map(str, strategy))
    chosen = _read_strategy(spec, allow_code)
    if isinstance(chosen, Chain) and kind is not None:
        raise UsageError(f"kind must be left out, since the last step of the chain {spec} says it; got {kind!r}")
    answers = _default_kind(chosen) if kind is None else from_json(kind)
    if "{answer}" not in completion:
        raise UsageError(f"completion must contain {{answer}}, got {completion!r}")

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        problem = to_problem(state, answers)
        chosen.check_supports(problem.kind)
        async with open_calls(get_model()) as (llm, calls):
            try:
                answer = await chosen.arun(problem, llm)
            except CallFailed as error:
                raise calls.error or error from None
        if isinstance(answer, Failed) and not answer.refused:
            # A failed call is an error of the sample, which inspect_ai retries or reports.
            raise calls.error or answer.to_error()
        _finish(state, problem, answer, completion, spec)
        return state

    return solve


def _read_strategy(text: str, allow_code: bool) -> Strategy:
    if folder := text.removeprefix("chain:") if text.startswith("chain:") else "":
        strategy: Strategy = Chain.load(folder, allow_code=allow_code)
    else:
        strategy = registry.get(text)
    strategy.check_fitted()
    return strategy


def _default_kind(strategy: Strategy) -> Kind:
    """Return the kind of a chain's last step, or else a text."""
    return (strategy.output_kind if isinstance(strategy, Chain) else None) or Text()


def _finish(state: TaskState, problem: Problem, answer: Answer, completion: str, strategy: str) -> None:
    """Write the answer into the state of the sample."""
    shown = problem.kind.show(answer.value) if isinstance(answer, Answered) else ""
    text = completion.replace("{answer}", shown) if shown else ""
    stop: Any = "content_filter" if isinstance(answer, Failed) else "stop"
    state.output = ModelOutput.from_content(str(get_model()), text, stop_reason=stop)
    state.messages.append(state.output.message)
    if isinstance(answer, Answered):
        mark_choices(state, problem.kind, answer.value)
    told: dict[str, Any] = {"strategy": strategy, "state": answer.state, "value": shown or None}
    told |= {"reason": answer.reason, "confidence": answer.confidence, "calls": answer.usage.calls}
    if answer.votes is not None:
        told["votes"] = [[problem.kind.show(value), count] for value, count in answer.votes.counts]
    state.metadata["reasoning"] = told
    transcript().info(told, source="reasoning")
