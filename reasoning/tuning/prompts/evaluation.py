"""Evaluations: a candidate on one example, scored by the kind of answer or by the checks of a chain's case."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reasoning.answer import Answer, Failed
from reasoning.benchmarks.chains.cases import Case
from reasoning.benchmarks.chains.runner import PartScore, plan_tests, run_case
from reasoning.benchmarks.results.result import Result
from reasoning.chain.chain import Chain
from reasoning.engine.failure_guard import FailureGuard
from reasoning.errors import BudgetExhausted, CallFailed, PromptRefused, ReasoningError
from reasoning.messages import Usage
from reasoning.problem import Example
from reasoning.strategy import Strategy
from reasoning.text_safety import to_line
from reasoning.trace import Trace
from reasoning.tuning.prompts.fills import Fill, record_fills
from reasoning.tuning.prompts.pools import Item

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM


@dataclass(frozen=True)
class Evaluation:
    """The result of one candidate on one example.

    Attributes:
        item: the example.
        score: from 0 to 1; None if a call failed.
        could_be: the greatest possible score, if a limit, a refusal or a failure may have cost points.
        answer: the answer, for display.
        feedback: what was right or wrong, in words, for a model that proposes better texts.
        usage: the usage of all draws, whether new or from the journal.
        refused: whether the provider or the model refused.
        truncated: whether a limit on tokens cut a reply off.
        token_limit: the lowest limit that did, in tokens; 0 if none did or it is not known.
        trace: the calls.
        fills: the filled prompts, if they were recorded.
    """

    item: Item
    score: float | None
    could_be: float
    answer: str
    feedback: str
    usage: Usage
    refused: bool = False
    truncated: bool = False
    token_limit: int = 0
    trace: Trace | None = field(default=None, repr=False, compare=False)
    fills: tuple[Fill, ...] = field(default=(), repr=False, compare=False)

    @property
    def least(self) -> float:
        """The least possible score: 0 if a call failed."""
        return self.score or 0.0

    @property
    def is_perfect(self) -> bool:
        """True if the example is solved."""
        return self.score == 1.0


Job = tuple[Strategy, Item, Callable[[Evaluation], None]]
"""A strategy, an example, and the receiver of the evaluation."""


async def evaluate(strategy: Strategy, item: Item, llm: LLM, *, record: bool = False) -> Evaluation:
    """Run a strategy on an example, and score the result.

    Args:
        strategy: the strategy or chain.
        item: the example.
        llm: the model, with the budget that pays and the journal that records.
        record: whether the filled prompts are kept, from which demonstrations are made.

    Raises:
        BudgetExhausted: the budget does not cover a call.
        CallFailed: no call can succeed. Other failures are evaluations without a score.
    """
    fills: list[Fill] = []
    recorded = record_fills(strategy, fills) if record else strategy
    if isinstance(item.content, Case):
        return await _evaluate_case(recorded, item, item.content, llm, fills)
    return await _evaluate_example(recorded, item, item.content, llm, fills)


async def evaluate_all(jobs: Sequence[Job], llm: LLM, guard: FailureGuard, *, record: bool = False) -> None:
    """Make evaluations concurrently, and hand each to its receiver as soon as it is made.

    When the budget runs out, nothing further is started, and what is under way ends.

    Args:
        jobs: the strategies with their examples, each with a receiver.
        llm: as in `evaluate`.
        guard: ends a run in which everything fails.
        record: as in `evaluate`.

    Raises:
        BudgetExhausted: the budget did not cover all of them.
        CallFailed: no call can succeed.
    """
    queue = list(reversed(jobs))
    exhausted: list[BudgetExhausted] = []

    async def work() -> None:
        while queue:
            async with guard.item():
                if not queue:
                    return
                strategy, item, receive = queue.pop()
                try:
                    found = await evaluate(strategy, item, llm, record=record)
                except BudgetExhausted as error:
                    exhausted.append(error)
                    queue.clear()
                    return
                receive(found)
                if found.score is None:
                    guard.record_failure(found.feedback, refused=found.refused)
                else:
                    guard.record_success()

    tasks = [asyncio.ensure_future(work()) for _ in range(min(llm.limits.concurrency, len(jobs)))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if exhausted:
        raise exhausted[0]


async def _evaluate_example(
    strategy: Strategy, item: Item, example: Example, llm: LLM, fills: list[Fill]
) -> Evaluation:
    try:
        answer = await strategy.arun(example.problem, llm)
    except CallFailed as error:
        if error.ends_run:
            raise
        answer = Failed.of(error)
    except ReasoningError:
        raise
    except Exception as error:
        # A strategy of the user may raise anything; one example must not end the search.
        answer = Failed(f"{type(error).__name__}: {error}")
    is_slow = getattr(example.scorer, "slow", False)
    result = await asyncio.to_thread(_score, answer, example) if is_slow else _score(answer, example)
    score = None if result.correct is None else float(result.correct)
    could_be = 1.0 if result.could_be_right else score or 0.0
    return Evaluation(
        *(item, score, could_be, result.value or "", _explain(result, example), answer.usage),
        *(result.refused > 0, result.truncated > 0, result.token_limit, answer.trace, tuple(fills)),
    )


def _score(answer: Answer, example: Example) -> Result:
    return Result.from_answer(answer, example, "", "")


def _explain(result: Result, example: Example) -> str:
    right = f"the right answer is {to_line(str(example.target))}"
    if result.correct:
        return f"Right: {right}."
    if result.state == "answered":
        return f"Wrong: the answer was read as {to_line(result.value or '')}, but {right}."
    cut = " The reply was cut off by the limit on tokens: it must be shorter." if result.truncated else ""
    return f"Wrong: no answer could be read ({to_line(result.reason)}), and {right}.{cut}"


async def _evaluate_case(strategy: Strategy, item: Item, case: Case, llm: LLM, fills: list[Fill]) -> Evaluation:
    assert isinstance(strategy, Chain)
    [run] = plan_tests(strategy, [case])
    try:
        answer, parts = await run_case(run, llm)
    except CallFailed as error:
        if error.ends_run:
            raise
        reason, is_refused = f"A call failed: {to_line(str(error))}", isinstance(error, PromptRefused)
        return Evaluation(item, None, 1.0, "", reason, Usage(), is_refused, fills=tuple(fills))
    known = [part.score for part in parts if part.score is not None]
    score = sum(known) / len(known) if len(known) == len(parts) else None
    calls = list(answer.trace.calls()) if answer.trace else []
    replies = [reply for call in calls for reply in call.completions]
    is_cut, is_refused = any(one.truncated for one in replies), any(one.finish_reason == "refusal" for one in replies)
    could_be = 1.0 if score is None or is_cut or is_refused else score
    shown = to_line(str(parts[-1].value))[:500] if parts else ""
    return Evaluation(
        *(item, score, could_be, shown, _explain_parts(parts), answer.usage),
        *(is_refused, is_cut, min((one.max_tokens for one in replies if one.truncated), default=0)),
        *(answer.trace, tuple(fills)),
    )


def _explain_parts(parts: Sequence[PartScore]) -> str:
    lines = [f"{part.part}: {to_line('; '.join(part.reasons)) or 'all checks passed'}." for part in parts]
    return " ".join(lines)
